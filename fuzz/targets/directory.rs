//! libFuzzer's program for [`banner_fuzz::directory`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::directory::run(data));
