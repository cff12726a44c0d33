//! Where the members of one message are.

use super::scan::{Fault, Scanner, Syntax};

/// A stretch of the body. Empty means that there is no such thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Bodies are far smaller than 4 GiB; what would lie beyond is taken for absent.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::default(),
        }
    }

    pub(crate) const fn is_absent(self) -> bool {
        self.start == self.end
    }

    pub(crate) const fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) const fn end(self) -> usize {
        self.end as usize
    }

    pub(crate) const fn len(self) -> usize {
        self.end() - self.start()
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start()..self.end()).unwrap_or_default()
    }

    pub(super) fn bytes_of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    /// From the start of one to the end of the other.
    pub(crate) const fn through(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

macro_rules! fields {
    ($($name:ident $key:literal,)*) => {
        /// Top-level members that mean something to this server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field { $($name,)* Other }

        impl Field {
            const COUNT: usize = Self::Other as usize;

            pub(super) fn of(key: &[u8]) -> Self {
                $(if is(key, $key) { return Self::$name; })*
                Self::Other
            }
        }
    };
}

/// As `==`, but the length is known when this is compiled: a few instructions instead of a call.
#[inline]
fn is<const LEN: usize>(key: &[u8], name: &[u8; LEN]) -> bool {
    <&[u8; LEN]>::try_from(key).is_ok_and(|key| key == name)
}

fields! {
    Type b"type", MessageId b"messageId", UserId b"userId", AnonymousId b"anonymousId", GroupId b"groupId",
    PreviousId b"previousId", From b"from", To b"to", Event b"event", Name b"name", Category b"category",
    Traits b"traits", Properties b"properties", Context b"context", Integrations b"integrations",
    Timestamp b"timestamp", OriginalTimestamp b"originalTimestamp", SentAt b"sentAt", ReceivedAt b"receivedAt",
    Channel b"channel", Version b"version", ProjectId b"projectId", WriteKey b"writeKey", Sequence b"sequence",
    InvalidTimestamp b"invalidTimestamp", SenderReceivedAt b"senderReceivedAt", SenderSequence b"senderSequence",
    Batch b"batch",
}

/// One top-level member, known or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) key: Span,
    pub(crate) value: Span,
    pub(crate) field: Field,
}

/// Members of `context` that decide about a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ContextSpans {
    pub(crate) ip: Span,
    pub(crate) direct: Span,
    pub(crate) channel: Span,
    pub(crate) library_name: Span,
}

/// One message: where everything is. The values are read when it is known what they have to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Message {
    /// All of it.
    pub(crate) span: Span,
    /// Whether it is an object.
    pub(crate) is_object: bool,
    /// What disqualifies it.
    pub(crate) fault: Option<Fault>,
    /// In `context`, if that is an object.
    pub(crate) context: ContextSpans,
    fields: [Span; Field::COUNT],
    first: usize,
    next: usize,
}

impl Message {
    /// The value of a member: the last one, if it came more than once.
    #[inline]
    pub(crate) fn get(&self, field: Field) -> Span {
        self.fields.get(field as usize).copied().unwrap_or_default()
    }

    /// Its members in the order sent, out of those of the whole body.
    pub(crate) fn members<'m>(&self, all: &'m [Member]) -> &'m [Member] {
        all.get(self.first..self.next).unwrap_or_default()
    }

    fn set(&mut self, field: Field, value: Span) {
        if let Some(slot) = self.fields.get_mut(field as usize) {
            *slot = value;
        }
    }
}

impl Scanner<'_> {
    /// Passes one message, whatever it is, and appends its members to `all`. Depth counts from here.
    pub(super) fn message(&mut self, all: &mut Vec<Member>) -> Result<Message, Syntax> {
        let (outer_fault, outer_depth) = (self.fault.take(), self.depth_max);
        self.depth_max = self.nest.depth() + crate::call::limits::JSON_DEPTH_MAX;
        let mut message = Message { is_object: self.token()? == b'{', first: all.len(), ..Message::default() };
        let start = self.at;
        if message.is_object {
            let mut buffer = Vec::new();
            self.object(|scanner, key| {
                let field = Field::of(scanner.key_text(key, &mut buffer));
                let value = scanner.member(&mut message, field)?;
                all.push(Member { key: key.span, value, field });
                Ok(())
            })?;
        } else {
            self.value()?;
        }
        message.span = Span::new(start, self.at);
        message.next = all.len();
        message.fault = std::mem::replace(&mut self.fault, outer_fault);
        self.depth_max = outer_depth;
        Ok(message)
    }

    /// Passes the value of a top-level member and remembers where it is.
    #[inline]
    pub(super) fn member(&mut self, message: &mut Message, field: Field) -> Result<Span, Syntax> {
        let value = if field == Field::Context { self.context(&mut message.context)? } else { self.value_span()? };
        message.set(field, value);
        Ok(value)
    }

    fn context(&mut self, spans: &mut ContextSpans) -> Result<Span, Syntax> {
        *spans = ContextSpans::default();
        if self.token()? != b'{' {
            return self.value_span();
        }
        let (start, mut buffer) = (self.at, Vec::new());
        self.object(|scanner, key| {
            match scanner.key_text(key, &mut buffer) {
                b"ip" => spans.ip = scanner.value_span()?,
                b"direct" => spans.direct = scanner.value_span()?,
                b"channel" => spans.channel = scanner.value_span()?,
                b"library" => spans.library_name = scanner.library()?,
                _ => scanner.value()?,
            }
            Ok(())
        })?;
        Ok(Span::new(start, self.at))
    }

    /// Passes `context.library` and tells where its name is.
    fn library(&mut self) -> Result<Span, Syntax> {
        let (mut name, mut buffer) = (Span::default(), Vec::new());
        if self.token()? != b'{' {
            self.value()?;
            return Ok(name);
        }
        self.object(|scanner, key| {
            let is_name = scanner.key_text(key, &mut buffer) == b"name";
            let value = scanner.value_span()?;
            if is_name {
                name = value;
            }
            Ok(())
        })?;
        Ok(name)
    }
}
