//! What the XDP program decides about which packet, with which maps.

mod boundary;
mod cast;
mod families;
mod lone;
mod model;
mod row;
mod truncated;

use anyhow::Result;
use banner_tests::bpf::Object;

#[test]
fn every_row_of_the_table_gets_its_verdict_and_its_counter() -> Result<()> {
    let mut object = Object::load()?;
    let now = object.clock()?.jiffies;
    let mut rows = lone::rows();
    for cast in [cast::v4(), cast::v6()] {
        rows.extend(families::rows(&cast, now));
    }
    let mut wrong = Vec::new();
    for row in &rows {
        if let Err(error) = row.check(&mut object) {
            wrong.push(format!("{error:#}"));
        }
    }
    println!("verdict table: {} rows", rows.len());
    assert!(rows.len() >= 60, "rows got lost: {}", rows.len());
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    Ok(())
}
