//! The contact sheet: all figures at their size, in colour, in grey, and as deuteranopes see them.

use std::fmt::Write as _;

use crate::plot::description::sight::Sight;

/// An HTML page that shows the SVG files of these names beside it; browsers filter the colours.
#[must_use]
pub fn contact_sheet(names: &[&str]) -> String {
    let sights = [("colour", Sight::Normal), ("grey", Sight::Grey), ("deuteranopia", Sight::Deuteranopia)];
    let mut page =
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Contact sheet</title>\n\
        <style>body { font-family: sans-serif; } div { display: flex; gap: 24pt; }</style>\n\
        <svg width=\"0\" height=\"0\" style=\"position: absolute\">\n"
            .to_owned();
    for (word, sight) in sights {
        let rows = sight.matrix().map(|[red, green, blue]| format!("{red} {green} {blue} 0 0"));
        let _ = writeln!(
            page,
            "<filter id=\"{word}\"><feColorMatrix values=\"{} 0 0 0 1 0\"/></filter>",
            rows.join(" ")
        );
    }
    page.push_str("</svg>\n");
    for name in names {
        let _ = writeln!(page, "<h2>{name}</h2>\n<div>");
        for (word, _) in sights {
            let _ = writeln!(
                page,
                "<img src=\"{name}.svg\" alt=\"{name}, {word}\" style=\"filter: url(#{word})\">"
            );
        }
        page.push_str("</div>\n");
    }
    page
}
