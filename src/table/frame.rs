//! Typed columns in a fixed order, their digest, their Parquet file.

use std::io::Cursor;
use std::path::Path;

use polars::prelude::{
    ArrowDataType, ArrowField, Column, CompatLevel, DataFrame, DataType, KeyValueMetadata,
    ParquetCompression, ParquetReader, ParquetWriter, PolarsError, SchemaExt, SerReader, StatisticsOptions,
};
use polars_parquet::write::schema_to_metadata_key;
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::error::{Error, Result, caught};

/// Metadata key under which every file carries the digest of its values.
pub const VALUES_DIGEST: &str = "values_sha256";

/// Rows in one group of a Parquet file: fixed, because files must not depend on the machine.
const ROW_GROUP: usize = 1 << 18;

/// Most bytes of a table, packed or not; the largest of ours has a fiftieth of it.
pub(crate) const MOST_BYTES: u64 = 1 << 26;
/// Most values of a table.
const MOST_CELLS: u64 = 1 << 23;

/// A named table whose columns have one of five types: Int64, Float64, String, Boolean, List(Float64). A missing value
/// is null; there is no NaN.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) frame: DataFrame,
}

/// The types a column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    I64,
    F64,
    Str,
    Bool,
    F64List,
}

impl Kind {
    fn of(dtype: &DataType) -> Option<Self> {
        match dtype {
            DataType::Int64 => Some(Self::I64),
            DataType::Float64 => Some(Self::F64),
            DataType::String => Some(Self::Str),
            DataType::Boolean => Some(Self::Bool),
            DataType::List(inner) if **inner == DataType::Float64 => Some(Self::F64List),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::I64 => "Int64",
            Self::F64 => "Float64",
            Self::Str => "String",
            Self::Bool => "Boolean",
            Self::F64List => "List(Float64)",
        }
    }
}

/// Bytes on their way into a digest.
struct Sink {
    hasher: Sha256,
    buffer: Vec<u8>,
}

impl Sink {
    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= 1 << 16 {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn text(&mut self, text: &str) {
        self.put(&(text.len() as u64).to_le_bytes());
        self.put(text.as_bytes());
    }

    fn rows<T>(&mut self, values: impl IntoIterator<Item = Option<T>>, write: impl Fn(&mut Self, T)) {
        for value in values {
            self.put(&[u8::from(value.is_some())]);
            if let Some(value) = value {
                write(self, value);
            }
        }
    }
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident, $unpack:ident, $kind:expr, $value:ty;)*) => {
        $($(#[$doc])*
        ///
        /// # Errors
        /// There is no such column, or it has another type.
        pub fn $name(&self, column: &str) -> Result<Vec<Option<$value>>> {
            let found = self.typed(column, $kind)?;
            let values = found.as_materialized_series().$unpack();
            Ok(values.map_err(|error| self.problem(column, error))?.iter().collect())
        })*
    };
}

impl Table {
    /// Wraps a data frame.
    ///
    /// # Errors
    /// A column of a type that is not supported, or one with NaN.
    pub fn from_frame(name: impl Into<String>, frame: DataFrame) -> Result<Self> {
        let table = Self { name: name.into(), frame };
        for column in table.frame.columns() {
            let name = column.name().as_str();
            match Kind::of(column.dtype()) {
                None => return Err(table.problem(name, format!("type {} is not supported", column.dtype()))),
                Some(Kind::F64) => {
                    let found = column.f64().map_err(|error| table.problem(name, error))?;
                    if let Some(row) = found.iter().position(|value| value.is_some_and(f64::is_nan)) {
                        return Err(table.nan(name, row));
                    }
                }
                Some(Kind::F64List) => {
                    let lists = table.f64_lists(name)?;
                    let bad = |list: &Option<Vec<f64>>| list.iter().flatten().any(|value| value.is_nan());
                    if let Some(row) = lists.iter().position(bad) {
                        return Err(table.nan(name, row));
                    }
                }
                Some(_) => {}
            }
        }
        Ok(table)
    }

    /// Name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.frame.height()
    }

    /// The data frame inside.
    #[must_use]
    pub const fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        self.frame.columns().iter().map(|column| column.name().as_str()).collect()
    }

    accessors! {
        /// Values of an Int64 column.
        i64s, i64, Kind::I64, i64;
        /// Values of a Float64 column.
        f64s, f64, Kind::F64, f64;
        /// Values of a Boolean column.
        bools, bool, Kind::Bool, bool;
        /// Values of a String column.
        strs, str, Kind::Str, &str;
    }

    /// Values of an Int64 column that are counts or indices.
    ///
    /// # Errors
    /// There is no such column, it has another type, or a value is negative or too large.
    pub fn u32s(&self, column: &str) -> Result<Vec<Option<u32>>> {
        self.within(column)
    }

    /// Values of an Int64 column that are not negative.
    ///
    /// # Errors
    /// There is no such column, it has another type, or a value is negative.
    pub fn u64s(&self, column: &str) -> Result<Vec<Option<u64>>> {
        self.within(column)
    }

    fn within<T: TryFrom<i64>>(&self, column: &str) -> Result<Vec<Option<T>>> {
        let outside = |row: usize, value: i64| {
            let kind = std::any::type_name::<T>();
            self.problem(column, format!("row {row} has {value}, which is out of the range of {kind}"))
        };
        let convert = |(row, value): (usize, Option<i64>)| {
            value.map(|value| T::try_from(value).map_err(|_| outside(row, value))).transpose()
        };
        self.i64s(column)?.into_iter().enumerate().map(convert).collect()
    }

    /// Values of a `List(Float64)` column.
    ///
    /// # Errors
    /// There is no such column, it has another type, or a list has a null inside.
    pub fn f64_lists(&self, column: &str) -> Result<Vec<Option<Vec<f64>>>> {
        let found = self.typed(column, Kind::F64List)?;
        let lists = found.as_materialized_series().list().map_err(|error| self.problem(column, error))?;
        let mut values = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let Some(list) = lists.get_as_series(row) else {
                values.push(None);
                continue;
            };
            let inner = list.f64().map_err(|error| self.problem(column, error))?;
            let list: Option<Vec<f64>> = inner.iter().collect();
            values.push(Some(
                list.ok_or_else(|| self.problem(column, format!("row {row} has a null in its list")))?,
            ));
        }
        Ok(values)
    }

    /// The values of a column in which nothing may be missing: `table.present("step", table.u64s("step")?)`.
    ///
    /// # Errors
    /// A null.
    pub fn present<T>(&self, column: &str, values: Vec<Option<T>>) -> Result<Vec<T>> {
        let missing = |row| self.problem(column, format!("row {row} is null"));
        values.into_iter().enumerate().map(|(row, value)| value.ok_or_else(|| missing(row))).collect()
    }

    /// SHA-256 over names, types and values of all columns in their order. How the table is cut into
    /// chunks or packed in a file does not count, and neither does its name.
    ///
    /// # Errors
    /// A column that cannot be read.
    pub fn values_digest(&self) -> Result<String> {
        let mut sink = Sink { hasher: Sha256::new(), buffer: Vec::with_capacity(1 << 16) };
        sink.put(b"spectral-alignment table 1\0");
        sink.put(&(self.columns().len() as u64).to_le_bytes());
        sink.put(&(self.rows() as u64).to_le_bytes());
        for name in self.columns() {
            let kind = self.kind(name)?;
            sink.text(name);
            sink.text(kind.name());
            match kind {
                Kind::I64 => sink.rows(self.i64s(name)?, |sink, value| sink.put(&value.to_le_bytes())),
                Kind::F64 => {
                    sink.rows(self.f64s(name)?, |sink, value| sink.put(&value.to_bits().to_le_bytes()));
                }
                Kind::Bool => sink.rows(self.bools(name)?, |sink, value| sink.put(&[u8::from(value)])),
                Kind::Str => sink.rows(self.strs(name)?, Sink::text),
                Kind::F64List => sink.rows(self.f64_lists(name)?, |sink, list| {
                    sink.put(&(list.len() as u64).to_le_bytes());
                    for value in list {
                        sink.put(&value.to_bits().to_le_bytes());
                    }
                }),
            }
        }
        sink.hasher.update(&sink.buffer);
        Ok(hex(&sink.hasher.finalize()))
    }

    /// The table as the bytes of a Parquet file, with `metadata` and the digest of the values; the
    /// same table and metadata always give the same bytes.
    ///
    /// # Errors
    /// A table that cannot be written.
    pub fn to_parquet_bytes(&self, metadata: &[(String, String)]) -> Result<Vec<u8>> {
        let types = self.arrow_schema();
        let mut pairs: Vec<_> = metadata.iter().filter(|(key, _)| *key != types.0).cloned().collect();
        pairs.insert(0, types);
        pairs.push((VALUES_DIGEST.to_owned(), self.values_digest()?));
        let mut frame = self.frame.clone();
        frame.rechunk_mut();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::empty())
            .with_row_group_size(Some(ROW_GROUP))
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
            .finish(&mut frame)
            .map_err(|error| {
                Error::table(format!("table {}", self.name), format!("cannot be written as Parquet: {error}"))
            })?;
        Ok(bytes)
    }

    /// What Arrow's readers are told about the types. Polars itself would tell them of views of strings, which many
    /// of them can neither filter nor sort; in the pages strings are the same. Lists and strings have offsets of 32 bits,
    /// the usual ones, because Arrow joins no strings with large strings.
    fn arrow_schema(&self) -> (String, String) {
        let plain = |field: ArrowField| {
            let dtype = match field.dtype {
                ArrowDataType::LargeUtf8 => ArrowDataType::Utf8,
                ArrowDataType::LargeList(inner) => ArrowDataType::List(inner),
                other => other,
            };
            (field.name.clone(), ArrowField::new(field.name, dtype, field.is_nullable))
        };
        let schema = self.frame.schema().to_arrow(CompatLevel::oldest());
        let pair = schema_to_metadata_key(&schema.iter_values().cloned().map(plain).collect());
        (pair.key, pair.value.unwrap_or_default())
    }

    /// Writes a Parquet file.
    ///
    /// # Errors
    /// A table or a file that cannot be written.
    pub fn to_parquet(&self, path: &Path, metadata: &[(String, String)]) -> Result<()> {
        let bytes = self.to_parquet_bytes(metadata)?;
        std::fs::write(path, bytes).map_err(Error::io("write", path))
    }

    /// Reads a Parquet file that [`Table::to_parquet`] wrote, and checks the digest of its values.
    ///
    /// A damaged file is an error. The reader underneath may report a panic on standard error first;
    /// who knows the digest of the file should check it before.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn from_parquet(name: impl Into<String>, path: &Path) -> Result<Self> {
        // Before it is opened: a pipe would wait for ever, a device never end.
        let found = std::fs::metadata(path).map_err(Error::io("read", path))?;
        if !found.is_file() || found.len() > MOST_BYTES {
            let problem = format!("is no file of at most {MOST_BYTES} bytes, as tables are; it was not read");
            return Err(Error::damaged(path, problem));
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        Self::from_parquet_bytes(name, &bytes).map_err(|error| Error::damaged(path, error))
    }

    /// Like [`Table::from_parquet`], from the bytes of a file.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn from_parquet_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        let (frame, metadata) = guarded(&name, bytes, |mut reader| {
            let metadata = pairs(&mut reader)?;
            check_size(&mut reader)?;
            Ok((reader.finish()?, metadata))
        })?;
        let table = Self::from_frame(name, frame)?;
        let stated = metadata.iter().find(|(key, _)| key == VALUES_DIGEST).map(|(_, digest)| digest);
        if stated == Some(&table.values_digest()?) {
            Ok(table)
        } else {
            Err(Error::table(format!("table {}", table.name), "the values are not those that were written"))
        }
    }

    pub(crate) fn kind(&self, column: &str) -> Result<Kind> {
        let dtype = self.column(column)?.dtype();
        Kind::of(dtype).ok_or_else(|| self.problem(column, format!("type {dtype} is not supported")))
    }

    fn column(&self, column: &str) -> Result<&Column> {
        self.frame.column(column).map_err(|_| {
            let what = Error::unknown("column", column, &self.columns());
            Error::Context { context: format!("table {}", self.name), source: Box::new(what) }
        })
    }

    fn typed(&self, column: &str, kind: Kind) -> Result<&Column> {
        let found = self.column(column)?;
        if Kind::of(found.dtype()) == Some(kind) {
            Ok(found)
        } else {
            Err(self.problem(column, format!("has type {}, not {}", self.kind(column)?.name(), kind.name())))
        }
    }

    fn problem(&self, column: &str, problem: impl ToString) -> Error {
        Error::table(format!("table {}, column {column}", self.name), problem)
    }

    fn nan(&self, column: &str, row: usize) -> Error {
        self.problem(column, format!("row {row} is NaN; a missing value must be null"))
    }
}

/// The metadata of a Parquet file, in the order of the file.
///
/// # Errors
/// Damaged bytes.
pub fn parquet_metadata(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    guarded("metadata", bytes, |mut reader| pairs(&mut reader))
}

/// Refuses what would need far more memory than any table of ours, by its footer, before a byte is unpacked.
fn check_size(reader: &mut Reader<'_>) -> std::result::Result<(), PolarsError> {
    let found = reader.get_metadata()?;
    let mut unpacked = 0;
    for group in &found.row_groups {
        for column in group.parquet_columns() {
            unpacked += column.uncompressed_size().max(0).unsigned_abs();
        }
    }
    let cells = found.num_rows as u64 * found.schema_descr.columns().len() as u64;
    if unpacked > MOST_BYTES || cells > MOST_CELLS {
        let problem = format!("{cells} values in {unpacked} bytes are more than any table has");
        return Err(PolarsError::ComputeError(problem.into()));
    }
    Ok(())
}

type Reader<'a> = ParquetReader<Cursor<&'a [u8]>>;

fn pairs(reader: &mut Reader<'_>) -> std::result::Result<Vec<(String, String)>, PolarsError> {
    let found = reader.get_metadata()?.key_value_metadata().iter().flatten();
    Ok(found.map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default())).collect())
}

/// Reads with polars, which may panic on what is no Parquet file.
fn guarded<'a, T>(
    name: &str,
    bytes: &'a [u8],
    read: impl FnOnce(Reader<'a>) -> std::result::Result<T, PolarsError>,
) -> Result<T> {
    if bytes.len() < 12 || !bytes.starts_with(b"PAR1") || !bytes.ends_with(b"PAR1") {
        return Err(Error::table(name, "is no complete Parquet file"));
    }
    match caught(|| read(ParquetReader::new(Cursor::new(bytes)))) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::table(name, format!("cannot be read as Parquet: {error}"))),
        Err(_) => Err(Error::table(name, "cannot be read as Parquet: the reader gave up")),
    }
}
