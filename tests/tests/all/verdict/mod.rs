//! What the XDP program decides about which packet, with which maps.

mod boundary;
mod buffers;
mod carried;
mod cast;
mod contents;
mod dice;
mod families;
mod fuzz;
mod law;
mod lone;
mod model;
mod renew;
mod row;
mod scopes;
mod seen;
mod sets;
mod several;
mod trial;
mod truncated;
mod wide;

use anyhow::Result;
use banner_tests::{bpf::Object, kernel};

#[test]
fn every_row_of_the_table_gets_its_verdict_and_its_counter() -> Result<()> {
    let mut object = Object::load()?;
    let now = object.clock()?.jiffies;
    let mut rows = lone::rows();
    rows.extend(carried::rows());
    rows.extend(buffers::long_chains());
    for cast in [cast::v4(), cast::v6()] {
        rows.extend(families::rows(&cast, now));
        rows.extend(scopes::rows(&cast, now));
        rows.extend(several::rows(&cast, now));
        rows.extend(wide::rows(&cast));
        rows.extend(buffers::rows(&cast));
    }
    let mut wrong = Vec::new();
    for row in &rows {
        if let Err(error) = row.check(&mut object) {
            wrong.push(format!("{error:#}"));
        }
    }
    kernel::has((5, 18), "XDP programs see packets in one buffer only")?;
    let runs: usize = rows.iter().map(|row| row.runs(&object)).sum();
    println!("verdict table: {} rows, {runs} runs", rows.len());
    assert!(rows.len() >= 1000, "rows got lost: {}", rows.len());
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
    Ok(())
}
