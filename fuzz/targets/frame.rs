//! libFuzzer's program for [`banner_fuzz::frame`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::frame::run(data));
