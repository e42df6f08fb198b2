//! libFuzzer's program for [`banner_fuzz::record`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::record::run(data));
