//! Tables as peers use them, and the integers in them.

use spectral_alignment::table::{Table, TableBuilder, parquet_metadata};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every kind of column, with and without missing values.
fn mixed(rows: u32) -> Table {
    let every = |n: u32| move |i: u32| !i.is_multiple_of(n);
    let names: Vec<String> = (0..rows).map(|i| format!("name {} ρ", i % 7)).collect();
    let some: Vec<Option<String>> = (0..rows).map(|i| every(3)(i).then(|| format!("{}", i % 5))).collect();
    let lists: Vec<Vec<f64>> = (0..rows).map(|i| vec![f64::from(i) / 3.0; (i % 4) as usize]).collect();
    TableBuilder::new("mixed")
        .str("name", &names)
        .str_or_null("some", &some)
        .u32("replicate", (0..rows).map(|i| i % 10).collect())
        .u32_or_null("row", (0..rows).map(|i| every(2)(i).then_some(i)).collect())
        .u64("step", (0..rows).map(|i| u64::from(i) << 31).collect())
        .u64_or_null("diverged_step", (0..rows).map(|i| every(5)(i).then_some(i.into())).collect())
        .i64("below", (0..rows).map(|i| -i64::from(i)).collect())
        .f64_or_null("value", (0..rows).map(|i| every(4)(i).then(|| f64::from(i) / 7.0)).collect())
        .bool_or_null("good", (0..rows).map(|i| every(6)(i).then_some(i % 2 == 0)).collect())
        .f64_list_or_null(
            "maybe",
            &lists.iter().map(|list| Some(list.clone()).filter(|list| list.len() > 1)).collect::<Vec<_>>(),
        )
        .f64_list("list", &lists)
        .build()
        .unwrap()
}

/// A Python with pyarrow, pandas and duckdb, if there is one.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("SPECTRAL_ALIGNMENT_PYTHON").map(PathBuf::from);
    let asked = named.is_some();
    let python = named.unwrap_or_else(|| "python3".into());
    let works = Command::new(&python).args(["-c", "import pyarrow, pandas, duckdb"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    assert!(works || !asked, "{} has no pyarrow, pandas and duckdb", python.display());
    works.then_some(python)
}

#[test]
fn tables_serve_peers() {
    let Some(python) = python() else {
        eprintln!(
            "skipped: python3 has no pyarrow, pandas and duckdb; SPECTRAL_ALIGNMENT_PYTHON names another"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, rows) in [("mixed", 500), ("one", 1), ("none", 0)] {
        let path = folder.path().join(format!("{name}.parquet"));
        mixed(rows).to_parquet(&path, &[("stage".to_owned(), name.to_owned())]).unwrap();
        Table::from_parquet(name, &path).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/tables.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}", said.concat());
}

#[test]
fn integers_are_checked_where_they_enter_and_leave() {
    let table = TableBuilder::new("t")
        .i64_or_null("a", vec![Some(1), None, Some(-1)])
        .u64("b", vec![0, 1 << 32, i64::MAX as u64])
        .build()
        .unwrap();
    assert_eq!(table.u64s("b").unwrap()[2], Some(i64::MAX as u64));
    for message in [table.u32s("a").unwrap_err(), table.u64s("a").unwrap_err()].map(|error| error.to_string())
    {
        assert!(message.contains("column a") && message.contains("row 2 has -1"), "{message}");
    }
    assert!(table.u32s("b").unwrap_err().to_string().contains("row 1 has 4294967296"));
    assert!(table.u32s("missing").is_err());
    let large = TableBuilder::new("t").u64_or_null("a", vec![None, Some(1 << 63)]).build().unwrap_err();
    assert!(large.to_string().contains("row 1: 9223372036854775808"), "{large}");
}

#[test]
fn a_table_copied_with_its_metadata_states_its_types_once() {
    let bytes = mixed(10).to_parquet_bytes(&[]).unwrap();
    let metadata = parquet_metadata(&bytes).unwrap();
    let types: Vec<_> = metadata.iter().filter(|(key, _)| key == "ARROW:schema").cloned().collect();
    assert_eq!(types.len(), 1);
    let read = Table::from_parquet_bytes("mixed", &bytes).unwrap();
    assert_eq!(read.to_parquet_bytes(&types).unwrap(), bytes);
}
