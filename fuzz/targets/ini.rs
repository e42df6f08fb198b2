//! libFuzzer's program for [`banner_fuzz::ini`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::ini::run(data));
