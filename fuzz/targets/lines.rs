//! libFuzzer's program for [`banner_fuzz::lines`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::lines::run(data));
