//! HTML and SVG, built so that no text can become markup.
//!
//! Names of elements and attributes are written in the source; everything else goes through [`Html::text`] or an
//! attribute's value, and is escaped there.

/// Markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

/// The names and values of attributes.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// Adds text.
    pub fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(letter),
            }
        }
    }

    /// Adds an element and what is inside.
    pub fn element(&mut self, name: &'static str, attributes: Attributes<'_>, inside: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Adds an element with nothing but text.
    pub fn words(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |inside| inside.text(text));
    }

    /// Adds an element of SVG with nothing inside.
    pub fn shape(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.open(name, attributes);
        self.0.push_str("/>");
    }

    /// Adds other markup.
    pub fn include(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// A page: a head with a style of ours, then a body.
    #[must_use]
    pub fn page(title: &str, style: &'static str, body: impl FnOnce(&mut Self)) -> String {
        let mut page = Self("<!doctype html>\n".to_owned());
        page.element("html", &[("lang", "en")], |html| {
            html.element("head", &[], |head| {
                head.open("meta", &[("charset", "utf-8")]);
                head.0.push('>');
                // Nothing is loaded, and no script runs, whatever a name may hold.
                let policy = "default-src 'none'; style-src 'unsafe-inline'";
                head.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", policy)]);
                head.0.push('>');
                head.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
                head.0.push('>');
                head.words("title", &[], title);
                head.element("style", &[], |inside| inside.0.push_str(style));
            });
            html.element("body", &[], body);
        });
        page.0 + "\n"
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_are_escaped() {
        let mut html = Html::default();
        html.words("p", &[("title", "\"><script>'")], "a & b <script>alert(1)</script>");
        assert_eq!(
            html.0,
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;\">a &amp; b &lt;script&gt;alert(1)&lt;/script&gt;</p>"
        );
    }

    #[test]
    fn elements_nest() {
        let mut inner = Html::default();
        inner.shape("path", &[("d", "M0 0")]);
        let mut html = Html::default();
        html.element("svg", &[("class", "x")], |svg| svg.include(&inner));
        assert_eq!(html.0, "<svg class=\"x\"><path d=\"M0 0\"/></svg>");
    }
}
