//! A table with a caption, whose rows become blocks of names and values where the window is narrow.

use maud::{Markup, html};

/// What stands where there is nothing.
pub(crate) const NOTHING: &str = "–";

/// A column: its name, and whether it has numbers.
pub(crate) type Column<'a> = (&'a str, bool);

/// The table; the first cell of a row names it.
pub(crate) fn plain_table(
    id: &str,
    caption: &str,
    columns: &[Column],
    rows: &[(Markup, Vec<Markup>)],
) -> Markup {
    html! {
        // Roles survive when the rows become blocks.
        div.wide role="group" tabindex="0" aria-labelledby=(id) {
            table.plain role="table" {
                caption id=(id) { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for (name, number) in columns {
                            th.number[*number] role="columnheader" scope="col" { (name) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for (name, cells) in rows {
                        tr role="row" {
                            th role="rowheader" scope="row" { (name) }
                            @for (cell, (column, number)) in cells.iter().zip(columns.iter().skip(1)) {
                                td.number[*number].none[cell.0 == NOTHING] role="cell" data-name=(column) { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}
