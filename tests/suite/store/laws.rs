//! Laws of keys, digests and tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use polars::prelude::{DataFrame, DataType};
use spectral_alignment::digest::{Ingredients, KeyBuilder, Value, diff};
use spectral_alignment::table::{Table, TableBuilder, differences, parquet_metadata};

use crate::store::{ingredients, table};

#[test]
fn different_ingredients_have_different_keys() {
    let key = |role: &str, value: Value| KeyBuilder::new("k").with(role, value).finish().digest();
    let text = |text: &str| Value::from(text);
    let keys = [
        KeyBuilder::new("k").finish().digest(),
        KeyBuilder::new("l").finish().digest(),
        key("ab", text("c")),
        key("a", text("bc")),
        key("a", text("")),
        key("a", text("1")),
        key("a", Value::from(1_u32)),
        key("a", Value::from(-1_i64)),
        key("a", Value::from(u64::MAX)),
        key("a", Value::from(1.0)),
        key("a", Value::from(0.0)),
        key("a", Value::from(-0.0)),
        key("a", Value::from(0_u64)),
        key("a", Value::from(false)),
        key("a", Value::from(true)),
        key("a", Value::from(vec!["ab", "c"])),
        key("a", Value::from(vec!["a", "bc"])),
        key("a", Value::List(vec![])),
        key("a", Value::Map(BTreeMap::new())),
        key("a", Value::List(vec![Value::from(vec!["a"]), Value::from(vec!["b"])])),
        key("a", Value::List(vec![Value::from(vec!["a", "b"])])),
        key("a", Value::Map(BTreeMap::from([("x".to_owned(), text("y"))]))),
        key("a", Value::from(vec!["x", "y"])),
        KeyBuilder::new("k").with("a", "x").with("b", "y").finish().digest(),
        KeyBuilder::new("k").with("a", "y").with("b", "x").finish().digest(),
        KeyBuilder::new("k").with("a", "x").with("a", "y").finish().digest(),
        KeyBuilder::new("k").with("a", "y").with("a", "x").finish().digest(),
    ];
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    let swapped = KeyBuilder::new("k").with("b", "y").with("a", "x").finish().digest();
    assert!(keys.contains(&swapped), "the order in which roles are named must not count");
}

#[test]
fn ingredients_survive_json_and_say_what_changed() {
    let nested = Value::Map(BTreeMap::from([
        ("float".to_owned(), Value::from("text")),
        ("map".to_owned(), Value::List(vec![Value::from(true), Value::from(f64::NAN)])),
    ]));
    let floats = [0.1, -0.0, 1e-320, f64::MAX, f64::INFINITY, 1.0 / 3.0];
    let old = KeyBuilder::new("k")
        .with("integers", vec![i64::MIN, i64::MAX])
        .with("huge", u64::MAX)
        .with("floats", floats.to_vec())
        .with("nested", nested)
        .with("text", "\"float\": \u{0}")
        .finish();
    let json = serde_json::to_string(&old).unwrap();
    let read: Ingredients = serde_json::from_str(&json).unwrap();
    assert_eq!(read, old);
    assert_eq!(read.digest(), old.digest());
    let (a, b) = (ingredients(1), ingredients(2));
    assert_eq!(diff(&a, &a), vec![]);
    assert_eq!(diff(&a, &b), vec![("seed".to_owned(), Some(Value::from(1_u64)), Some(Value::from(2_u64)))]);
    let more =
        KeyBuilder::new("tables").with("experiment", "gmm").with("seed", 1_u64).with("rank", 3_u32).finish();
    assert_eq!(
        diff(&a, &more),
        vec![
            ("delta".to_owned(), Some(Value::from(0.1)), None),
            ("rank".to_owned(), None, Some(Value::from(3_u32))),
        ]
    );
    assert_eq!(a.get("delta").unwrap().to_string(), "0.1");
}

#[test]
fn values_digest_follows_values_and_schema_only() {
    let one = |builder: TableBuilder| builder.build().unwrap().values_digest().unwrap();
    let new = || TableBuilder::new("t");
    let digests = [
        one(new()),
        one(new().u32("a", vec![])),
        one(new().u32("a", vec![0, 1])),
        one(new().u32("b", vec![0, 1])),
        one(new().u32("a", vec![1, 0])),
        one(new().u32_or_null("a", vec![Some(0), None])),
        one(new().u32_or_null("a", vec![None, Some(0)])),
        one(new().f64("a", vec![0.0, 1.0])),
        one(new().f64("a", vec![-0.0, 1.0])),
        one(new().str("a", &["ab", "c"])),
        one(new().str("a", &["a", "bc"])),
        one(new().str_or_null("a", &[Some(""), None])),
        one(new().str("a", &["", ""])),
        one(new().f64_list("a", &[vec![1.0], vec![2.0]])),
        one(new().f64_list("a", &[vec![1.0, 2.0], vec![]])),
        one(new().f64_list_or_null("a", &[Some(vec![1.0, 2.0]), None])),
        one(new().u32("a", vec![0]).u32("b", vec![1])),
        one(new().u32("b", vec![1]).u32("a", vec![0])),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
    let integers = one(new().i64("a", vec![0, 1]));
    assert_eq!(one(new().u32("a", vec![0, 1])), integers, "integers have one type");
    assert_eq!(one(new().u64("a", vec![0, 1])), integers, "integers have one type");
    let whole = table(0.0);
    let mut chunked = whole.frame().slice(0, 123);
    chunked.vstack_mut(&whole.frame().slice(123, 377)).unwrap();
    assert!(chunked.first_col_n_chunks() > 1);
    let chunked = Table::from_frame("other name", chunked).unwrap();
    assert_eq!(chunked.values_digest().unwrap(), whole.values_digest().unwrap());
    assert_eq!(chunked.to_parquet_bytes(&[]).unwrap(), whole.to_parquet_bytes(&[]).unwrap());
}

#[test]
fn parquet_gives_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let metadata = [("commit".to_owned(), "abc".to_owned())];
    for table in
        [table(0.0), TableBuilder::new("alignment").u32("a", vec![]).str::<&str>("b", &[]).build().unwrap()]
    {
        table.to_parquet(&path, &metadata).unwrap();
        let first = fs::read(&path).unwrap();
        let read = Table::from_parquet("alignment", &path).unwrap();
        assert_eq!(read.values_digest().unwrap(), table.values_digest().unwrap());
        assert!(differences(&read, &table).unwrap().iter().all(|(_, found)| found.is_none()));
        assert_eq!(read.to_parquet_bytes(&metadata).unwrap(), first);
        assert!(parquet_metadata(&first).unwrap().contains(&metadata[0]));
    }
}

#[test]
fn what_a_table_cannot_hold_is_refused() {
    let message = |builder: TableBuilder| builder.build().unwrap_err().to_string();
    let nan = message(TableBuilder::new("spectrum").f64("eigenvalue", vec![1.0, f64::NAN]));
    assert!(nan.contains("spectrum") && nan.contains("eigenvalue") && nan.contains("row 1"), "{nan}");
    assert!(message(TableBuilder::new("s").f64_list("l", &[vec![f64::NAN]])).contains("NaN"));
    assert!(
        message(TableBuilder::new("s").u32("a", vec![1]).u32("b", vec![])).contains("column b has 0 rows")
    );
    assert!(message(TableBuilder::new("s").u32("a", vec![1]).u32("a", vec![1])).contains('a'));
    let column = table(0.0).frame().column("replicate").unwrap().cast(&DataType::Float32).unwrap();
    assert!(Table::from_frame("s", DataFrame::new(500, vec![column]).unwrap()).is_err());
    let table = table(0.0);
    assert!(table.f64s("valu").unwrap_err().to_string().contains("did you mean `value`"));
    assert!(table.f64s("label").unwrap_err().to_string().contains("Int64"));
    assert!(
        table
            .present("value", table.f64s("value").unwrap())
            .unwrap_err()
            .to_string()
            .contains("row 0 is null")
    );
    assert_eq!(table.present("replicate", table.u32s("replicate").unwrap()).unwrap()[7], 7);
    assert_eq!(table.strs("layer").unwrap()[1], Some("layer 1"));
    assert_eq!(table.f64_lists("features").unwrap()[..3], [None, Some(vec![1.0]), Some(vec![2.0; 2])]);
}

#[test]
fn a_damaged_parquet_file_is_never_believed() {
    let whole = table(0.0);
    let digest = whole.values_digest().unwrap();
    let bytes = whole.to_parquet_bytes(&[]).unwrap();
    for length in (0..bytes.len()).step_by(37) {
        assert!(Table::from_parquet_bytes("t", &bytes[..length]).is_err());
    }
    for place in (0..bytes.len()).step_by(11) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        if let Ok(read) = Table::from_parquet_bytes("t", &flipped) {
            assert_eq!(read.values_digest().unwrap(), digest, "byte {place}");
        }
    }
}

#[test]
fn differences_name_the_place() {
    let (a, far) = (table(0.0), table(1e-3));
    let found = |a: &Table, b: &Table| -> Vec<(String, Option<usize>)> {
        let all = differences(a, b).unwrap().into_iter();
        all.filter_map(|(name, found)| found.map(|found| (name, found.row))).collect()
    };
    assert_eq!(found(&a, &a), []);
    assert_eq!(found(&a, &far), [("value".to_owned(), Some(1))]);
    let one = |values: Vec<Option<f64>>| TableBuilder::new("t").f64_or_null("x", values).build().unwrap();
    let here = [("x".to_owned(), Some(0))];
    assert_eq!(found(&one(vec![None]), &one(vec![Some(0.0)])), here);
    assert_eq!(found(&one(vec![Some(1.0)]), &one(vec![Some(f64::INFINITY)])), here);
    assert_eq!(found(&one(vec![Some(0.0)]), &one(vec![Some(-0.0)])), here);
    assert_eq!(found(&one(vec![Some(1.0)]), &one(vec![Some(1.0), None])), [(String::new(), None)]);
}
