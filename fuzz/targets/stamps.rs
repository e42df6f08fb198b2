//! libFuzzer's program for [`banner_fuzz::stamps`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::stamps::run(data));
