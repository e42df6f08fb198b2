//! The filters of the library, compiled.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use banner_userspace::{
    config,
    filter::{self, Filter, FilterSpec, Prefixes},
};

/// All of them, in the order of their names.
pub static LIBRARY: LazyLock<Vec<Arc<Filter>>> = LazyLock::new(|| {
    specs()
        .map(|spec| Arc::new(Filter::compile(&spec, &Prefixes::default()).expect("it compiles")))
        .collect()
});

/// What their files say.
pub fn specs() -> impl Iterator<Item = FilterSpec> {
    filter::library_names().map(|name| {
        let text = filter::library(name).unwrap_or_default();
        config::read_filter(name, Path::new(name), text.as_bytes())
            .unwrap_or_else(|problems| panic!("{problems}"))
    })
}
