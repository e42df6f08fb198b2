use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::problem::{Problem, Problems};
use super::yaml::{FileId, Point, Spot, SyntaxError, locate};

/// Finding a position reads the file once more, so a file that is wrong all over is not reported
/// line by line to the end.
const MOST_PER_FILE: usize = 100;

/// What was read and what is wrong with it. Problems are kept by node, and get their positions
/// only when they are shown.
#[derive(Default)]
pub(crate) struct Report {
    files: Vec<Source>,
    errors: Vec<Draft>,
    warnings: Vec<Draft>,
}

struct Source {
    path: PathBuf,
    text: String,
}

struct Draft {
    place: Place,
    key: String,
    message: String,
    /// Another place, named at the end of the message.
    see: Option<Spot>,
}

/// In the order in which problems of a file are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    File(FileId),
    Point(FileId, Point),
    Node(Spot),
}

impl Place {
    fn file(self) -> FileId {
        match self {
            Self::File(file) | Self::Point(file, _) => file,
            Self::Node(spot) => spot.file,
        }
    }
}

impl Report {
    /// Notes a file, before anything is said about it. `text` is what positions are found in.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str) -> FileId {
        self.files.push(Source {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        FileId(self.files.len() - 1)
    }

    /// Something is wrong at this node or key.
    pub(crate) fn error(&mut self, spot: Spot, key: &str, message: impl Into<String>) {
        self.push_error(Place::Node(spot), key, message.into(), None);
    }

    /// As [`Self::error`]; the message goes on with the position of `see`.
    pub(crate) fn error_see(
        &mut self,
        spot: Spot,
        key: &str,
        message: impl Into<String>,
        see: Spot,
    ) {
        self.push_error(Place::Node(spot), key, message.into(), Some(see));
    }

    /// The file cannot be parsed.
    pub(crate) fn syntax_error(&mut self, file: FileId, error: SyntaxError) {
        let place = error
            .point
            .map_or(Place::File(file), |point| Place::Point(file, point));
        self.push_error(place, "", error.message, None);
    }

    /// Something is wrong with the file as a whole.
    pub(crate) fn file_error(&mut self, file: FileId, message: impl Into<String>) {
        self.push_error(Place::File(file), "", message.into(), None);
    }

    /// Worth saying, but no reason to refuse.
    pub(crate) fn warn(&mut self, spot: Spot, key: &str, message: impl Into<String>) {
        self.warnings.push(Draft {
            place: Place::Node(spot),
            key: key.to_owned(),
            message: message.into(),
            see: None,
        });
    }

    /// As [`Self::warn`], for a file as a whole.
    pub(crate) fn file_warning(&mut self, file: FileId, message: impl Into<String>) {
        self.warnings.push(Draft {
            place: Place::File(file),
            key: String::new(),
            message: message.into(),
            see: None,
        });
    }

    fn push_error(&mut self, place: Place, key: &str, message: String, see: Option<Spot>) {
        self.errors.push(Draft {
            place,
            key: key.to_owned(),
            message,
            see,
        });
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors.len()
    }

    /// The errors if there are any, else the warnings.
    pub(crate) fn finish(mut self) -> Result<Vec<Problem>, Problems> {
        let errors = std::mem::take(&mut self.errors);
        let warnings = std::mem::take(&mut self.warnings);
        if errors.is_empty() {
            Ok(self.place(warnings).0)
        } else {
            let (shown, hidden) = self.place(errors);
            Err(Problems::new(shown, hidden))
        }
    }

    fn place(&self, mut drafts: Vec<Draft>) -> (Vec<Problem>, usize) {
        drafts.sort_by_key(|draft| (draft.place.file(), draft.place));
        let mut per_file = BTreeMap::<FileId, usize>::new();
        let total = drafts.len();
        drafts.retain(|draft| {
            let count = per_file.entry(draft.place.file()).or_default();
            *count += 1;
            *count <= MOST_PER_FILE
        });
        let hidden = total - drafts.len();
        let mut known = BTreeMap::new();
        let mut shown: Vec<(FileId, Problem)> = drafts
            .into_iter()
            .map(|draft| (draft.place.file(), self.problem(draft, &mut known)))
            .collect();
        // What comes through an alias has the position of its anchor, which stands further up.
        shown.sort_by_key(|(file, problem)| (*file, problem.line, problem.column));
        let shown = shown.into_iter().map(|(_, problem)| problem).collect();
        (shown, hidden)
    }

    fn problem(&self, draft: Draft, known: &mut BTreeMap<Spot, Option<Point>>) -> Problem {
        let mut point_of = |spot: Spot| {
            *known
                .entry(spot)
                .or_insert_with(|| locate(&self.files[spot.file.0].text, spot.ordinal))
        };
        let point = match draft.place {
            Place::File(_) => None,
            Place::Point(_, point) => Some(point),
            Place::Node(spot) => point_of(spot),
        };
        let mut message = draft.message;
        if let Some(see) = draft.see {
            let path = self.files[see.file.0].path.display();
            message = match point_of(see) {
                Some(Point { line, column }) => format!("{message} {path}:{line}:{column}"),
                None => format!("{message} {path}"),
            };
        }
        Problem {
            file: self.files[draft.place.file().0].path.clone(),
            line: point.map_or(0, |point| point.line),
            column: point.map_or(0, |point| point.column),
            key: draft.key,
            message,
        }
    }
}
