//! The filters that docs/filters.md teaches with, by their own samples.

use std::path::Path;

use crate::{
    config::read_filter,
    filter::{Filter, Prefixes},
};

#[test]
fn the_filters_of_the_manual_get_their_verdicts() {
    let manual = include_str!("../../../../docs/filters.md");
    let blocks = manual.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|text| Some(text.split_once("```")?.0));
    let whole = blocks.filter(|text| text.starts_with("description:"));
    let mut count = 0;
    for text in whole {
        let spec = read_filter("manual", Path::new("manual"), text.as_bytes())
            .unwrap_or_else(|why| panic!("{why}\n{text}"));
        let filter = Filter::compile(&spec, &Prefixes::default())
            .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
        let (samples, wrong) = filter.check_samples();
        assert!(samples > 0 && wrong.is_empty(), "{wrong:?}\n{text}");
        count += 1;
    }
    assert_eq!(count, 2, "filters that begin with their description");
}
