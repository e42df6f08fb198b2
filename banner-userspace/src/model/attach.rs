/// Where on an interface the XDP program may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachMode {
    /// Natively, and where the driver cannot, generically.
    #[default]
    Auto,
    /// In the driver only.
    Native,
    /// On the skb, even where the driver could do better.
    Generic,
}

impl AttachMode {
    /// The word in configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}
