//! What nobody should be sent, files that should not be read, and more than there is time for.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use callboard::docs;
use insta::assert_snapshot;

use super::support::{Served, component, named};

/// What is wrong with the docs of `shop`, a line each.
pub(crate) async fn problems(served: &Served) -> String {
    let catalog = served.catalog.ingest.catalog();
    let snapshot = catalog.snapshot();
    let ix = snapshot.find("component:default/shop").unwrap();
    let mut text = String::new();
    match catalog.library().of(&snapshot, ix) {
        Ok(Some(found)) => {
            for problem in catalog.library().inspect(&found, |_, _| {}) {
                writeln!(text, "{problem}").unwrap();
            }
        }
        Ok(None) => text.push_str("no docs\n"),
        Err(docs::Trouble { code, message, .. }) => writeln!(text, "{code}: {message}").unwrap(),
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs() {
    let markdown = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> <a href=\"javascript:alert(1)\">x</a> [y](javascript:alert(1)) [z](JaVaScRiPt:alert(1)) ![d](data:image/svg+xml;base64,AAAA) [e](data:text/html,x)\n\n<iframe src=\"https://example.org\"></iframe> <style>p{}</style> <svg onload=alert(1)><a xlink:href=\"javascript:x\"/></svg>\n\n<form action=/x><input type=text name=a autofocus onfocus=x()></form>\n\n<div style=\"position:fixed\" class=\"cb-top mine\" id=\"cb-nav\" onclick=x()>t</div>\n\n<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></math>\n\n`<script>` and\n\n```html title=\"<script>\"\n<script>alert(2)</script>\n```\n\n!!! note \"<img src=x onerror=alert(3)>\"\n    <b onmouseover=x()>t</b>\n\n# <img src=x onerror=alert(4)> head {: onclick=x() #a\"b }\n\n[r]: javascript:alert(5)\n[r] [ok](mailto:a@example.org)\n";
    let served = Served::docs(&[("docs/index.md", markdown)]).await;
    let html = served.html().await;
    for never in [
        "<script",
        "onerror=",
        "onload",
        "onclick=",
        "onfocus",
        "onmouseover=",
        "href=\"javascript",
        "href=\"JaVa",
        "data:",
        "<iframe",
        "<style",
        "<svg",
        "<form",
        "style=",
        "cb-",
        "<math",
    ] {
        let outside = html.replace("&lt;script", "").replace("data-line", "");
        assert!(!outside.contains(never), "{never}: {html}");
    }
    assert!(html.contains("href=\"mailto:a@example.org\""), "{html}");
    assert!(html.contains("class=\"mine\""), "{html}");
    assert_snapshot!(problems(&served).await, @r#"
    docs/index.md:1:1: warning[docs-unsafe]: `<script>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:3:1: warning[docs-unsafe]: `onerror` of `<img>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:3:1: warning[docs-unsafe]: the address `javascript:` of the link is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    docs/index.md:3:1: warning[docs-unsafe]: the address `javascript:` of the link is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    docs/index.md:3:1: warning[docs-unsafe]: the address `javascript:` of the link is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    docs/index.md:3:1: warning[docs-unsafe]: the address `data:` of the image is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    docs/index.md:3:1: warning[docs-unsafe]: the address `data:` of the link is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    docs/index.md:5:1: warning[docs-unsafe]: `<iframe>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:5:1: warning[docs-unsafe]: `<style>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:5:1: warning[docs-unsafe]: `<svg>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:5:1: warning[docs-unsafe]: `onload` of `<svg>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:7:1: warning[docs-unsafe]: `<form>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:7:1: warning[docs-unsafe]: `onfocus` of `<input>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:9:1: warning[docs-unsafe]: `onclick` of `<div>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:11:1: warning[docs-unsafe]: `<math>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:11:1: warning[docs-unsafe]: `<style>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:11:1: warning[docs-unsafe]: `onerror` of `<img>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:20:1: warning[docs-unsafe]: `onmouseover` of `<b>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:22:1: warning[docs-unsafe]: `onerror` of `<img>` is left out
      hint: nothing runs on these pages, and they load nothing: write Markdown, or link to it
    docs/index.md:25:1: warning[docs-unsafe]: the address `javascript:` of the link is left out
      hint: link by `https:`, `mailto:` or a relative path; keep an image as a file beside the page
    "#);
}

/// What aliases and merge keys would multiply is refused, and pages are served all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_mkdocs_yml_that_multiplies() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        let ten = [before.as_str(); 10].join(", ");
        writeln!(bomb, "a{n}: &a{n} [{ten}]").unwrap();
    }
    bomb.push_str("nav: *a11\n");
    let merges = "base: &base\n  site_name: Merged\n  hooks: [evil.py]\nsite_name: Own\n<<: [*base, *base]\nextra: { <<: *base }\n";
    let round = "nav: &nav\n  - Round: *nav\n";
    let deep = format!("nav: {}x{}\n", "[".repeat(50_000), "]".repeat(50_000));
    let mut told = String::new();
    for config in [&bomb, merges, round, &deep] {
        let served = Served::docs(&[("mkdocs.yml", config), ("docs/index.md", "# Here")]).await;
        let page = served.get("").await;
        assert!(
            page.text.contains("Here</h1>") || page.text.contains(">Here<"),
            "{}",
            page.text
        );
        writeln!(told, "{}", problems(&served).await).unwrap();
    }
    assert_snapshot!(told, @r#"
    mkdocs.yml:5:25: error[yaml-alias]: anchors and aliases copy more than 50000 values or 1048576 bytes within the document
      hint: write the values out, or use fewer aliases within aliases
    mkdocs.yml:1:1: warning[docs-config]: `a0` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:2:1: warning[docs-config]: `a1` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:3:1: warning[docs-config]: `a2` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:4:1: warning[docs-config]: `a3` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:5:1: warning[docs-config]: `a4` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere

    mkdocs.yml:5:1: warning[yaml-merge-key]: `<<` merges nothing, it is a key like any other
      hint: write the values out; `key: *anchor` repeats one value
    mkdocs.yml:6:10: warning[yaml-merge-key]: `<<` merges nothing, it is a key like any other
      hint: write the values out; `key: *anchor` repeats one value
    mkdocs.yml:1:1: warning[docs-config]: `base` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:5:1: warning[docs-config]: `<<` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere

    mkdocs.yml:2:12: error[yaml-alias]: the alias stands inside of what it names
      hint: write the value out

    mkdocs.yml:1:261: error[yaml-limit]: the YAML cannot be read: recursion limit exceeded
      hint: brackets and indentation nest too deep: write it flatter, or as text
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_mkdocs_yml() {
    let config = "site_name: !!python/object/apply:os.system [\"touch /tmp/pwned\"]\nhooks: [evil.py]\nINHERIT: ../base.yml\nextra_javascript: [x.js]\ndocs_dir: ../../etc\nplugins: [search]\nmarkdown_extensions:\n  - pymdownx.emoji:\n      emoji_generator: !!python/name:material.extensions.emoji.to_svg\n<<: *nothing\nnav:\n  - index.md\n  - Gone: gone.md\n  - Out: ../../secret.md\n  - Bad: javascript:alert(1)\n  - 7\n";
    let served = Served::docs(&[("mkdocs.yml", config), ("docs/index.md", "# Here")]).await;
    assert_snapshot!(problems(&served).await, @r#"
    mkdocs.yml:1:12: warning[yaml-tag]: the tag `tag:yaml.org,2002:!python/object/apply:os.system` means nothing here and is left out
      hint: a text that begins with `!` needs quotes
    mkdocs.yml:10:1: warning[yaml-merge-key]: `<<` merges nothing, it is a key like any other
      hint: write the values out; `key: *anchor` repeats one value
    mkdocs.yml:10:5: error[yaml-syntax]: the YAML cannot be read: while parsing node, found unknown anchor
      hint: an alias `*name` needs an anchor `&name` before it in the same document; a text that begins with `*` needs quotes
    mkdocs.yml:2:1: warning[docs-config]: `hooks` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:3:1: warning[docs-config]: `INHERIT` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:4:1: warning[docs-config]: `extra_javascript` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:1:12: warning[docs-config]: `site_name` should be a string, not a list
      hint: write it in quotes
    mkdocs.yml:5:11: error[docs-outside]: `docs_dir` `../../etc` is not below this file's folder
      hint: name a folder beside `mkdocs.yml`; `docs` is read instead
    "#);
    let config = config.replace("<<: *nothing\n", "");
    served.catalog.write("mkdocs.yml", &config);
    assert_snapshot!(problems(&served).await, @r#"
    mkdocs.yml:1:12: warning[yaml-tag]: the tag `tag:yaml.org,2002:!python/object/apply:os.system` means nothing here and is left out
      hint: a text that begins with `!` needs quotes
    mkdocs.yml:2:1: warning[docs-config]: `hooks` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:3:1: warning[docs-config]: `INHERIT` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:4:1: warning[docs-config]: `extra_javascript` has no effect here
      hint: nothing in a `mkdocs.yml` is run or loaded; remove the key, or leave it for builds elsewhere
    mkdocs.yml:1:12: warning[docs-config]: `site_name` should be a string, not a list
      hint: write it in quotes
    mkdocs.yml:5:11: error[docs-outside]: `docs_dir` `../../etc` is not below this file's folder
      hint: name a folder beside `mkdocs.yml`; `docs` is read instead
    mkdocs.yml:15:5: warning[docs-config]: an entry of `nav` cannot be a number
      hint: write `Title: page.md`, `page.md`, or `Title: [ … ]` for a section
    mkdocs.yml:12:11: warning[docs-nav]: `nav` names `gone.md`, and there is no such page
      hint: correct the path, which is relative to `docs_dir`, or write the page
    mkdocs.yml:13:10: warning[docs-nav]: `nav` names `../../secret.md`, and there is no such page
      hint: correct the path, which is relative to `docs_dir`, or write the page
    mkdocs.yml:14:10: warning[docs-nav]: `nav` names `javascript:alert(1)`, and there is no such page
      hint: correct the path, which is relative to `docs_dir`, or write the page
    "#);
    let page = served.get("").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("javascript:"), "{}", page.text);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_of_the_file_system_stay_inside() {
    let served = Served::docs(&[
        (
            "docs/index.md",
            "![out](out.png) ![up](../../../secret.png) [in](in.md)",
        ),
        ("docs/real.md", "# Real"),
        ("../secret.png", "the secret"),
        ("../secret/x.md", "# the secret"),
    ])
    .await;
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, served.catalog.path(name)).unwrap();
    };
    link("../../secret.png", "docs/out.png");
    link("../../secret", "docs/folder");
    link("real.md", "docs/in.md");
    link(".", "docs/round");
    link("/dev/zero", "docs/endless.md");
    assert_snapshot!(problems(&served).await, @r#"
    docs/endless.md:1:1: error[docs-outside]: `docs/endless.md` leads out of the folder that is read
      hint: keep what the docs need below the folder of their source, as a file and not as a link out of it
    docs/folder:1:1: error[docs-outside]: `docs/folder` leads out of the folder that is read
      hint: keep what the docs need below the folder of their source, as a file and not as a link out of it
    docs/out.png:1:1: error[docs-outside]: `docs/out.png` leads out of the folder that is read
      hint: keep what the docs need below the folder of their source, as a file and not as a link out of it
    docs/index.md:1:1: warning[docs-link]: the image `out.png` leads to nothing
      hint: correct the path, which is relative to this file, or write what is missing
    docs/index.md:1:1: warning[docs-outside]: the image `../../../secret.png` leads out of the folder of the docs
      hint: move the file into the docs, or link to where it can be seen
    "#);
    for path in [
        "out.png",
        "folder/x/",
        "folder/x.md",
        "../../../secret.png",
        "%2e%2e/%2e%2e/secret.png",
        "endless/",
    ] {
        let answer = served.get(path).await;
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        assert!(!answer.text.contains("the secret"), "{path}");
    }
    assert_eq!(served.get("in/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_docs_cannot_be() {
    let mut told = String::new();
    for says in [
        "backstage.io/techdocs-ref: dir:../..",
        "backstage.io/techdocs-ref: dir:/etc",
        "backstage.io/techdocs-ref: dir:./nothing",
        "backstage.io/techdocs-ref: url:https://github.com/acme/other/tree/main/",
        "backstage.io/techdocs-ref: ftp:x",
        "backstage.io/techdocs-entity: component:default/nobody",
        "backstage.io/techdocs-entity: component:default/shop",
    ] {
        let served = Served::start(&[("a/catalog-info.yaml", &component(says))]).await;
        writeln!(told, "{says}\n  {}", problems(&served).await.trim_end()).unwrap();
    }
    assert_snapshot!(told, @r#"
    backstage.io/techdocs-ref: dir:../..
      docs-outside: `dir:../..` leads out of the folder that its source reads
    backstage.io/techdocs-ref: dir:/etc
      docs-outside: `dir:/etc` leads out of the folder that its source reads
    backstage.io/techdocs-ref: dir:./nothing
      docs-missing: there are no docs in `a/nothing`
    backstage.io/techdocs-ref: url:https://github.com/acme/other/tree/main/
      docs-source: `url:https://github.com/acme/other/tree/main/` leads into nothing that a source reads
    backstage.io/techdocs-ref: ftp:x
      docs-source: `ftp:x` is neither `dir:` nor `url:`
    backstage.io/techdocs-entity: component:default/nobody
      docs-source: the docs are said to be those of `component:default/nobody`, which is not there
    backstage.io/techdocs-entity: component:default/shop
      docs-source: the docs are said to be those of `component:default/shop`, which leads back here
    "#);
    let says = "backstage.io/techdocs-ref: url:https://github.com/acme/shop/blob/main/a/docs-here/\n    backstage.io/source-location: url:https://github.com/acme/shop/tree/main/a/";
    let served = Served::start(&[
        ("a/catalog-info.yaml", &named("shop", says)),
        ("a/docs-here/README.md", "# Found"),
    ])
    .await;
    let data = served
        .ask("{ component(ref: \"shop\") { docs { openIssues pages { title editUrl } } } }")
        .await;
    assert_eq!(
        data["component"]["docs"]["openIssues"],
        "https://github.com/acme/shop/issues"
    );
    assert_eq!(
        data["component"]["docs"]["pages"][0]["editUrl"],
        "https://github.com/acme/shop/edit/main/a/docs-here/README.md"
    );
}

/// Each is answered, and none takes longer the worse it is.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_time_for() {
    let lists = |n: usize| {
        (0..n)
            .map(|depth| format!("{}- a\n", "  ".repeat(depth)))
            .collect::<String>()
    };
    let cases = [
        ("one line of 20 MB", "a".repeat(20_000_000)),
        ("lists in a line", format!("{}x", "- ".repeat(10_000))),
        ("lists below each other", lists(1_400)),
        // More than a page may have: each needs two columns more than the one above.
        ("10,000 lists below each other", lists(10_000)),
        ("quotes", format!("{}x", "> ".repeat(10_000))),
        ("brackets", "[".repeat(100_000)),
        ("links", "[a](".repeat(50_000)),
        ("images", "![a".repeat(50_000)),
        ("stars", "*a **b ".repeat(30_000)),
        ("marks", "==a ^^b ^c ++d :e ".repeat(20_000)),
        (
            "ticks",
            (1..600).map(|n| format!("a{} ", "`".repeat(n))).collect(),
        ),
        ("tags", "<b>".repeat(50_000)),
        (
            "tags that differ",
            (0..20_000).map(|n| format!("<b id=a{n}>x\n\n")).collect(),
        ),
        ("one heading", "# a\n".repeat(20_000)),
        (
            "footnotes",
            (0..5_000)
                .map(|n| format!("[^{n}] \n\n[^{n}]: a\n\n"))
                .collect(),
        ),
        (
            "a table",
            format!(
                "|{}\n|{}\n{}",
                "a|".repeat(1_000),
                "-|".repeat(1_000),
                "|a\n".repeat(1_000)
            ),
        ),
        (
            "admonitions",
            (0..500)
                .map(|n| format!("{}!!! note\n", "    ".repeat(n)))
                .collect(),
        ),
        ("blocks of slashes", "/// note\n".repeat(20_000)),
        (
            "abbreviations",
            (0..2_000)
                .map(|n| format!("*[a{n}]: b\n"))
                .collect::<String>()
                + &"a1 a2 b".repeat(10_000),
        ),
        ("attribute lists", "[a](b){.c} ".repeat(10_000)),
        ("code", format!("```js\n{}\n```\n", "a(".repeat(40_000))),
        ("addresses", "https://a.b/((((( ".repeat(10_000)),
        ("entities", "&#1234567;&amp".repeat(30_000)),
        ("a comment", "<!--".repeat(30_000)),
    ];
    let served = Served::docs(&[("docs/index.md", "x")]).await;
    let mut slow: Vec<String> = Vec::new();
    for (name, text) in cases {
        served.catalog.write("docs/index.md", &text);
        let started = Instant::now();
        let html = served.html().await;
        let took = started.elapsed();
        slow.extend((took > Duration::from_secs(20)).then(|| format!("{name}: {took:?}")));
        // A comment that does not end is all that there is.
        assert!(name == "a comment" || !html.is_empty(), "{name}");
        let deepest = html.split("<ul>").count();
        assert!(deepest < 1_100, "{name}: {deepest}");
    }
    // Builds that are not optimised take ten times as long.
    assert!(slow.is_empty(), "{slow:#?}");
    served
        .catalog
        .write("docs/index.md", &format!("{}x", "- ".repeat(10_000)));
    assert_snapshot!(problems(&served).await, @r#"
    docs/index.md:1:1: warning[docs-limit]: what is nested more than 100 deep is shown without its marks
      hint: write it flatter
    "#);
    served
        .catalog
        .write("docs/index.md", &"a".repeat(20_000_000));
    assert_snapshot!(problems(&served).await, @r#"
    docs/index.md:1:1: error[docs-limit]: `docs/index.md` has 20000000 bytes; up to 2097152 are rendered
      hint: divide the page; let large data be a file that the page links to
    "#);
}
