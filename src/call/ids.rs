//! Ids: each kind its own type, so that none is taken for another. An invalid id cannot be constructed.

use std::borrow::Cow;
use std::fmt;

use super::limits::ID_BYTES_MAX;

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Longer than the limit; ids are never cut.
    #[error("is longer than {ID_BYTES_MAX} bytes")]
    TooLong,
    /// NUL cannot be part of an id.
    #[error("contains a NUL character")]
    Nul,
}

fn check(text: &str, bytes_max: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        Err(InvalidId::Empty)
    } else if text.len() > bytes_max {
        Err(InvalidId::TooLong)
    } else if text.contains('\0') {
        Err(InvalidId::Nul)
    } else {
        Ok(())
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes_max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(Cow<'a, str>);

        impl<'a> $name<'a> {
            /// Takes the text as it is: no trimming, no case folding.
            ///
            /// # Errors
            /// When it is empty, too long or contains NUL.
            pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, InvalidId> {
                let text = text.into();
                check(&text, $bytes_max)?;
                Ok(Self(text))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same id, owning its text.
            pub fn into_owned(self) -> $name<'static> {
                $name(Cow::Owned(self.0.into_owned()))
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A user as the sender's own system knows them.
    UserId, ID_BYTES_MAX
);
id!(
    /// A device or browser before anybody logged in.
    AnonymousId, ID_BYTES_MAX
);
id!(
    /// An account, company or team.
    GroupId, ID_BYTES_MAX
);
id!(
    /// One message of one source; what duplicates are known by.
    MessageId, super::limits::MESSAGE_BYTES_MAX
);

/// What a userId is known by where its text is not kept: 128 bits of BLAKE3. It is stored, and never changes.
pub fn digest_of_user(id: &str) -> [u8; 16] {
    digest(b"roundtower: the node of a userId", id)
}

/// The same of an anonymousId.
pub fn digest_of_anonymous(id: &str) -> [u8; 16] {
    digest(b"roundtower: node of an anonymous", id)
}

fn digest(space: &[u8; 32], id: &str) -> [u8; 16] {
    blake3::keyed_hash(space, id.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default()
}
