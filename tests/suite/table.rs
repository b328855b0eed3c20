//! Tables as peers use them, and the integers in them.

use crate::support::{quick, quick_settings, stages, tables};
use spectral_alignment::pipeline::run::results;
use spectral_alignment::problem::network::Layer;
use spectral_alignment::simulation::task::{Block, Matrix};
use spectral_alignment::stage::rows::{
    At, Of, Statistic, Statistics, Subspace, entries_table, statistics_table,
};
use spectral_alignment::table::{Table, TableBuilder, parquet_metadata};
use std::collections::{BTreeMap, BTreeSet};
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
    let named =
        std::env::var_os("SPECTRAL_ALIGNMENT_PYTHON").filter(|named| !named.is_empty()).map(PathBuf::from);
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

/// What tables say and docs/tables.md says of them: columns by table, types by column, tables by statistic, subspaces.
#[derive(Debug, Default, PartialEq)]
struct Said {
    columns: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
    statistics: BTreeMap<String, BTreeSet<String>>,
    subspaces: BTreeSet<String>,
}

impl Said {
    /// The page's rows of the form `` | `name` | … | ``, by the heading above them.
    fn by_docs() -> Self {
        let page = include_str!("../../docs/tables.md");
        let (mut said, mut heading) = (Self::default(), "");
        for line in page.lines() {
            heading = line.strip_prefix("## ").unwrap_or(heading);
            let Some((name, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once("` | ")) else {
                continue;
            };
            let (name, cell) =
                (name.to_owned(), rest.split(" | ").next().unwrap().trim_matches('`').to_owned());
            let first = match heading {
                "Tables and their columns" => said.columns.insert(name, cell).is_none(),
                "Columns" => said.types.insert(name, cell).is_none(),
                "Subspaces" => said.subspaces.insert(name),
                "Statistics" => {
                    let tables = cell.split(", ").map(str::to_owned).collect();
                    said.statistics.insert(name, tables).is_none()
                }
                other => panic!("no table under {other} is known"),
            };
            assert!(first, "{line} stands twice");
        }
        said
    }

    fn learn(&mut self, table: &Table) {
        let (name, columns) = (table.name().to_owned(), table.columns().join(", "));
        let known = self.columns.entry(name.clone()).or_insert_with(|| columns.clone());
        assert_eq!(*known, columns, "one name, one schema: {name}");
        for column in table.columns() {
            let types = [
                ("Int64", table.i64s(column).is_ok()),
                ("Float64", table.f64s(column).is_ok()),
                ("String", table.strs(column).is_ok()),
                ("Boolean", table.bools(column).is_ok()),
                ("List(Float64)", table.f64_lists(column).is_ok()),
            ];
            let found = types.iter().find(|(_, is)| *is).unwrap().0;
            let known = self.types.entry(column.to_owned()).or_insert_with(|| found.to_owned());
            assert_eq!(known, found, "one name, one type: {name}.{column}");
        }
        let names = |column: &str| -> BTreeSet<String> {
            table.strs(column).into_iter().flatten().flatten().map(str::to_owned).collect()
        };
        for statistic in names("statistic") {
            self.statistics.entry(statistic).or_default().insert(name.clone());
        }
        self.subspaces.extend(names("subspace"));
    }
}

#[test]
fn docs_name_every_table_column_and_statistic() {
    // At quick size some predictions have no outlier to be about.
    let mut found = Said::default();
    let (store, settings) = (quick().store(), quick_settings());
    for stage in stages() {
        let (plan, manifest) = tables(&store, &settings, stage);
        let results = results(&store, &settings, &plan, &manifest).unwrap();
        results.tables.values().for_each(|table| found.learn(table));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures/values").join(stage);
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()) {
            if path.is_file() {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.learn(&Table::from_parquet(name, &path).unwrap());
            }
        }
    }
    assert_eq!(Said::by_docs(), found);
}

#[test]
fn what_a_number_is_of_is_read_as_it_was_written() {
    let at = At { experiment: "gmm".into(), replicate: Some(3), step: 7, time: 0.5 };
    let block = Of::block(Matrix::Gradient, Block { layer: Layer::W, row: 1, col: 2 });
    let mut rows = vec![
        Statistic::plain(&at, "loss", 1.0),
        Statistic::new(&at, "outlier", block.rank(2), -0.0),
        Statistic::new(&at, "entry", Of::row(Layer::V, 4).cluster(3), f64::MIN_POSITIVE),
    ];
    rows.extend(Subspace::ALL.map(|space| Statistic::new(&at, "sine", Of::layer(Layer::X).with(space), 0.1)));
    let table = statistics_table("statistics", &rows).unwrap();
    let read = Statistics::column(&table, "value").unwrap();
    assert_eq!(read.all(), rows);
    let found = |space| read.of("gmm", "sine").with(space).layer(Layer::X).replicate(3).step(7).values();
    assert!(Subspace::ALL.into_iter().all(|space| found(space) == [0.1]));
    assert!(read.of("gmm", "outlier").matrix(Matrix::Hessian).values().is_empty());
    assert_eq!(read.of("gmm", "outlier").matrix(Matrix::Gradient).row(1).rank(2).points(), [(0.5, -0.0)]);
    // Names that no table should have are refused, and so are columns that are not there.
    let odd = TableBuilder::new("statistics")
        .str("experiment", &["gmm"])
        .u64("step", vec![0])
        .f64("time", vec![0.0])
        .str("matrix", &["hesian"])
        .f64("value", vec![1.0])
        .build()
        .unwrap();
    let refused = Statistics::column(&odd, "value").unwrap_err().to_string();
    assert!(refused.contains("hesian") && refused.contains("hessian"), "{refused}");
    assert!(Statistics::column(&table, "sine").is_err());
    let entries = entries_table(&rows[1..2]).unwrap();
    let read = Statistics::column(&entries, "value").unwrap();
    assert_eq!((read.all()[0].of, &*read.all()[0].statistic), (block.rank(2), "value"));
}

#[test]
fn what_would_unpack_to_far_more_than_any_table_is_refused_by_its_footer() {
    let folder = tempfile::tempdir().unwrap();
    let long = TableBuilder::new("t").i64("x", vec![7; 9_000_000]).build().unwrap();
    let wide = TableBuilder::new("t").str("x", &["x".repeat(70_000_000)]).build().unwrap();
    for (table, most) in [(long, 1 << 20), (wide, 1 << 20)] {
        let bytes = table.to_parquet_bytes(&[]).unwrap();
        assert!(bytes.len() < most, "it is small on the disk: {}", bytes.len());
        drop(table);
        let message = Table::from_parquet_bytes("t", &bytes).unwrap_err().to_string();
        assert!(message.contains("more than any table has"), "{message}");
    }
    // What is no file is not opened.
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
    for path in [pipe, folder.path().join("zero"), folder.path().to_owned()] {
        let message = Table::from_parquet("t", &path).unwrap_err().to_string();
        assert!(message.contains("is no file") && message.contains(path.to_str().unwrap()), "{message}");
    }
}
