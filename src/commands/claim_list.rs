//! Claims as people read them: by the paper's claim, in columns, statements wrapped at the width of the terminal.

use crate::commands::console::{print_styled, print_wrapped, styled, width};
use crate::error::Result;
use crate::report::{PAPER, of_paper};
use crate::stage::claim::{Bound, Claim, Verdict};
use anstyle::{AnsiColor, Style};

/// Least room for a statement beside the numbers; with less it goes below them.
const ROOM: usize = 40;

/// The style of a verdict.
pub(crate) fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Holds => AnsiColor::Green.on_default(),
        Verdict::Fails => AnsiColor::Red.on_default().bold(),
        Verdict::Undecided => AnsiColor::Yellow.on_default(),
        Verdict::PremiseNotMet | Verdict::TooSmall | Verdict::NotRun => Style::new().dimmed(),
    }
}

/// A number with four decimals, or four digits where that would hide it.
pub(crate) fn brief(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1e-3 { format!("{value:.4}") } else { format!("{value:.3e}") }
}

/// Estimate, interval and bound.
fn numbers(claim: &Claim) -> String {
    let relation = claim.relation.sign();
    let bound = match claim.bound {
        Bound::Number(bound) => brief(bound),
        Bound::Pair([low, high]) => format!("[{}, {}]", brief(low), brief(high)),
    };
    match (claim.measured, claim.low, claim.high) {
        (Some(measured), Some(low), Some(high)) => {
            format!("{} [{}, {}] {relation} {bound}", brief(measured), brief(low), brief(high))
        }
        _ => String::new(),
    }
}

/// Widths of the columns: verdict, id, numbers.
#[derive(Clone, Copy)]
struct Columns {
    word: usize,
    id: usize,
    number: usize,
}

impl Columns {
    fn of(claims: &[&Claim]) -> Self {
        let longest =
            |of: &dyn Fn(&Claim) -> usize| claims.iter().map(|claim| of(claim)).max().unwrap_or_default();
        Self {
            word: longest(&|claim| claim.verdict.word().len()),
            id: longest(&|claim| claim.id.len()),
            number: longest(&|claim| numbers(claim).chars().count()),
        }
    }
}

/// Prints claims in their order, one line each where there is room, with aligned columns.
pub(crate) fn print_claims(claims: &[&Claim], indent: usize) -> Result<()> {
    print_in_columns(claims, indent, Columns::of(claims))
}

fn print_in_columns(claims: &[&Claim], indent: usize, columns: Columns) -> Result<()> {
    let Columns { word, id, number } = columns;
    for claim in claims {
        let indented = " ".repeat(indent);
        let verdict = styled(style(claim.verdict), &format!("{:word$}", claim.verdict.word()));
        let bold = |text: &str| styled(Style::new().bold(), text);
        let numbers = numbers(claim);
        let reason = claim.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
        let text = crate::error::plain(&format!("{}{reason}", claim.statement));
        let columns = indent + word + 2 + id + 2 + number + 2;
        let first = format!("{indented}{verdict}  {}  ", bold(&format!("{:id$}", claim.id)));
        match width() {
            Some(width) if width < columns + ROOM => {
                let below = " ".repeat(indent + 4);
                if numbers.is_empty() {
                    print_styled(&format!("{indented}{verdict}  {}", bold(&claim.id)))?;
                } else if width < columns {
                    print_styled(&format!("{indented}{verdict}  {}", bold(&claim.id)))?;
                    print_styled(&format!("{below}{numbers}"))?;
                } else {
                    print_styled(&format!("{first}{numbers}"))?;
                }
                print_wrapped(&below, below.len(), &text)?;
            }
            _ => print_wrapped(&format!("{first}{numbers:number$}  "), columns, &text)?,
        }
    }
    Ok(())
}

/// Prints claims by the paper's claim that they belong to, each group under a heading, in the order in which groups first appear.
pub(crate) fn print_by_paper(claims: &[Claim]) -> Result<()> {
    let columns = Columns::of(&claims.iter().collect::<Vec<_>>());
    let mut groups: Vec<(&str, Vec<&Claim>)> = Vec::new();
    for claim in claims {
        let of = of_paper(&claim.id);
        match groups.iter_mut().find(|(group, _)| *group == of) {
            Some((_, group)) => group.push(claim),
            None => groups.push((of, vec![claim])),
        }
    }
    groups.sort_by_key(|(group, _)| PAPER.iter().position(|(id, _)| id == group).unwrap_or(PAPER.len()));
    for (group, claims) in groups {
        let said = PAPER.iter().find(|(id, _)| *id == group).map_or("beyond the paper", |(_, text)| *text);
        print_wrapped(
            &format!("{} ", styled(Style::new().bold().underline(), group)),
            group.len() + 1,
            said,
        )?;
        print_in_columns(&claims, 2, columns)?;
    }
    Ok(())
}
