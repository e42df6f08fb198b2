//! libFuzzer's program for [`banner_fuzz::configuration`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::configuration::run(data));
