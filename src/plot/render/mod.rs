//! Figures as files.

pub mod contact_sheet;
pub mod draw;
pub mod files;
pub mod png;
