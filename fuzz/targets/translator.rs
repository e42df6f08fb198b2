//! libFuzzer's program for [`banner_fuzz::translator`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| banner_fuzz::translator::run(data));
