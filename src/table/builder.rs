//! Makes tables column by column.

use polars::prelude::{
    Column, DataFrame, DataType, Float64Type, IntoColumn, IntoSeries, ListBuilderTrait,
    ListPrimitiveChunkedBuilder,
};

use crate::error::{Error, Result};
use crate::table::frame::Table;

/// Makes a table column by column; [`TableBuilder::build`] reports what was wrong.
#[derive(Clone, Debug)]
#[must_use]
pub struct TableBuilder {
    name: String,
    columns: Vec<Column>,
    problem: Option<String>,
}

macro_rules! columns {
    ($($kind:literal, $plain:ident, $optional:ident, $value:ty;)*) => {
        $(
            #[doc = concat!("Adds a ", $kind, " column.")]
            pub fn $plain(self, name: &str, values: Vec<$value>) -> Self {
                self.column(Column::new(name.into(), values))
            }

            #[doc = concat!("Adds a ", $kind, " column in which values may be missing.")]
            pub fn $optional(self, name: &str, values: Vec<Option<$value>>) -> Self {
                self.column(Column::new(name.into(), values))
            }
        )*
    };
}

impl TableBuilder {
    /// Starts a table without columns.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), columns: Vec::new(), problem: None }
    }

    columns! {
        "Int64", i64, i64_or_null, i64;
        "Float64", f64, f64_or_null, f64;
        "Boolean", bool, bool_or_null, bool;
    }

    /// Adds an Int64 column of counts or indices.
    pub fn u32(self, name: &str, values: Vec<u32>) -> Self {
        self.i64(name, values.into_iter().map(i64::from).collect())
    }

    /// Adds an Int64 column of counts or indices in which values may be missing.
    pub fn u32_or_null(self, name: &str, values: Vec<Option<u32>>) -> Self {
        self.i64_or_null(name, values.into_iter().map(|value| value.map(i64::from)).collect())
    }

    /// Adds an Int64 column of numbers that are not negative; `build` refuses what Int64 cannot hold.
    pub fn u64(self, name: &str, values: Vec<u64>) -> Self {
        self.u64_or_null(name, values.into_iter().map(Some).collect())
    }

    /// Adds an Int64 column of numbers that are not negative and may be missing; `build` refuses what Int64 cannot hold.
    pub fn u64_or_null(mut self, name: &str, values: Vec<Option<u64>>) -> Self {
        let mut held = Vec::with_capacity(values.len());
        for (row, value) in values.into_iter().enumerate() {
            let fits = value.and_then(|value| i64::try_from(value).ok());
            if let (Some(value), None) = (value, fits) {
                let problem = || format!("column {name}, row {row}: {value} is too large for Int64");
                self.problem.get_or_insert_with(problem);
            }
            held.push(fits);
        }
        self.i64_or_null(name, held)
    }

    /// Adds a String column.
    pub fn str<S: AsRef<str>>(self, name: &str, values: &[S]) -> Self {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        self.column(Column::new(name.into(), values))
    }

    /// Adds a String column in which values may be missing.
    pub fn str_or_null<S: AsRef<str>>(self, name: &str, values: &[Option<S>]) -> Self {
        let values: Vec<Option<&str>> =
            values.iter().map(|value| value.as_ref().map(AsRef::as_ref)).collect();
        self.column(Column::new(name.into(), values))
    }

    /// Adds a `List(Float64)` column.
    pub fn f64_list(self, name: &str, lists: &[Vec<f64>]) -> Self {
        self.lists(name, lists.iter().map(Some))
    }

    /// Adds a `List(Float64)` column in which whole lists may be missing.
    pub fn f64_list_or_null(self, name: &str, lists: &[Option<Vec<f64>>]) -> Self {
        self.lists(name, lists.iter().map(Option::as_ref))
    }

    fn lists<'a>(self, name: &str, lists: impl Iterator<Item = Option<&'a Vec<f64>>> + Clone) -> Self {
        let values = lists.clone().flatten().map(Vec::len).sum();
        let rows = lists.clone().count();
        let mut builder =
            ListPrimitiveChunkedBuilder::<Float64Type>::new(name.into(), rows, values, DataType::Float64);
        for list in lists {
            match list {
                Some(list) => builder.append_slice(list),
                None => builder.append_null(),
            }
        }
        self.column(builder.finish().into_series().into_column())
    }

    fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// The finished table.
    ///
    /// # Errors
    /// Columns of different lengths, two of the same name, an integer above Int64, or a NaN.
    pub fn build(self) -> Result<Table> {
        let Self { name, columns, problem } = self;
        if let Some(problem) = problem {
            return Err(Error::table(format!("table {name}"), problem));
        }
        let rows = columns.first().map_or(0, Column::len);
        if let Some(odd) = columns.iter().find(|column| column.len() != rows) {
            let problem = format!("column {} has {} rows, not {rows}", odd.name(), odd.len());
            return Err(Error::table(format!("table {name}"), problem));
        }
        let frame =
            DataFrame::new(rows, columns).map_err(|error| Error::table(format!("table {name}"), error))?;
        Table::from_frame(name, frame)
    }
}
