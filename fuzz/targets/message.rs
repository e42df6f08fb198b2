//! libFuzzer's program for [`banner_fuzz::message`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::message::run(data));
