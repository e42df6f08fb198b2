//! libFuzzer's program for [`banner_fuzz::entry`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::entry::run(data));
