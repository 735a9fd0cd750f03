using System.Diagnostics;
using System.Text.Json;

namespace SLoRA.Text.Tests.Templates;

/// <summary>Templates that attack the renderer end in an error or a short text, soon and within bounded memory.</summary>
public sealed class HostileTemplateTests
{
    // The default limit on memory, what its last look may have missed, and the parsing.
    private const long AllowedBytes = 48L * 1024 * 1024;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    public static IEnumerable<TestCaseData> Cases()
    {
        foreach (string folder in TemplateFixture.Folders())
        {
            string path = Path.Combine(folder, "templates", "hostile.json");
            if (!File.Exists(path))
            {
                continue;
            }

            JsonElement root = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
            int index = 0;
            foreach (JsonElement entry in root.GetProperty("templates").EnumerateArray())
            {
                yield return new TestCaseData(
                    entry.GetProperty("template").GetString(),
                    entry.GetProperty("must").GetString(),
                    root.GetProperty("messages"))
                        .SetArgDisplayNames($"{TemplateFixture.Label(folder)}, {entry.GetProperty("name").GetString()}, {index++}");
            }
        }
    }

    [TestCase("{% for i in range(100000) %}{% set d = dict(a=1, b=[2, 3], c=4) %}{% endfor %}")]
    [TestCase("{% for i in range(100000) %}{% for j in range(9) %}{% set k = j %}{% endfor %}{% endfor %}")]
    [TestCase("{% set x = range(100000)|list %}{% for i in range(99) %}{% set y = x|map('string')|list %}{% endfor %}")]
    [TestCase("{% set x = ('a' * 3000000) %}{% for i in range(99) %}{% set y = x|upper|lower|title %}{% endfor %}")]
    [TestCase("{% set x = ('ß' * 900000) %}{{ x.casefold()|length }}{{ x|urlencode|length }}{{ x|tojson(ensure_ascii=true)|length }}")]
    [TestCase("{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(30) }}")]
    [TestCase("{% for i in range(100000) %}{{ '%s %s %s'|format(i, [i], {i: i}) }}{% endfor %}")]
    [TestCase("{% set n = namespace(t='') %}{% for i in range(100000) %}{% set n.t = n.t ~ i %}{% endfor %}")]
    [TestCase("{% for i in range(100000) %}{% set x = 'a.b.c.d.e.f.g.h' %}{% set y = [{}]|map(attribute=x)|list %}{% endfor %}")]
    [TestCase("{% for i in range(90000) %}{{ i ** 300 }}{% endfor %}")]
    [TestCase("{{ ('%' ~ '-' * 900000 ~ 's') % 1 }}")]
    [TestCase("{{ ('a-' * 900000)|title|length }}{{ ('a b ' * 500000)|wordwrap(1)|length }}{{ ('😀' * 500000)[::-1] }}")]
    public void A_short_template_allocates_no_more_than_the_limit(string template)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template);
        var inputs = new ChatTemplateInputs(new System.Text.Json.Nodes.JsonArray());
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            parsed.Render(inputs);
        }
        catch (ChatTemplateException error)
        {
            Assert.That(error.Code, Is.EqualTo("template.limit").Or.EqualTo("template.undefined"));
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(AllowedBytes));
    }

    [TestCase("{% set n = namespace(x=[1, 2]) %}{% for i in range(99000) %}{% set n.x = n.x|select %}{% endfor %}{{ n.x|list }}")]
    [TestCase(
        "{% set n = namespace(x=[1, 2]) %}{% for i in range(99000) %}{% set n.x = n.x|map('string')|unique %}{% endfor %}{{ n.x|first }}")]
    [TestCase("{% set n = namespace(x=1) %}{% for i in range(99000) %}{% set n.x = (n.x,) %}{% endfor %}{{ {n.x: 1} }}")]
    [TestCase("{% set n = namespace(x=1) %}{% for i in range(99000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x == [n.x] }}{{ n.x }}")]
    [TestCase("{% set n = namespace(x=1) %}{% for i in range(99000) %}{% set n.x = {'a': n.x} %}{% endfor %}{{ n.x|tojson }}")]
    public void What_nests_without_end_is_refused(string template)
    {
        ChatTemplateException refused = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template)
            .Render(new ChatTemplateInputs(new System.Text.Json.Nodes.JsonArray())))!;
        Assert.That(refused.Code, Is.EqualTo("template.limit"));
    }

    [TestCase("{{ a", ".b", " }}")]
    [TestCase("{{ a", "[0]", " }}")]
    [TestCase("{{ a", "()", " }}")]
    [TestCase("{{ a", "|string", " }}")]
    [TestCase("{{ a", " + a", " }}")]
    [TestCase("{{ a", " ** a", " }}")]
    [TestCase("{{ a", " ~ a", " }}")]
    [TestCase("{{ a", " and a", " }}")]
    [TestCase("{{ a", " is none", " }}")]
    [TestCase("{{ a", " if a else a", " }}")]
    [TestCase("{% if a %}", "{% elif a %}", "{% endif %}")]
    public void A_long_chain_is_parsed_and_rendered_or_refused(string open, string link, string close)
    {
        string template = open + string.Concat(Enumerable.Repeat(link, 900_000 / link.Length)) + close;
        Assert.That(Rendered(template), Is.InstanceOf<string>().Or.InstanceOf<ChatTemplateException>());
    }

    private static object Rendered(string template)
    {
        try
        {
            return ChatTemplate.Parse(template).Render(new ChatTemplateInputs(new System.Text.Json.Nodes.JsonArray()));
        }
        catch (ChatTemplateException error)
        {
            return error;
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void A_hostile_template_is_refused_or_bounded(string template, string must, JsonElement messages)
    {
        var watch = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        ChatTemplateException? error = null;
        string text = "";
        try
        {
            text = ChatTemplate.Parse(template).Render(new ChatTemplateInputs(messages));
        }
        catch (ChatTemplateException e)
        {
            error = e;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Out.WriteLine(
            $"{watch.ElapsedMilliseconds} ms, {allocated >> 10} KiB: {error?.Message ?? text[..Math.Min(100, text.Length)]}");
        Assert.Multiple(() =>
        {
            Assert.That(watch.Elapsed, Is.LessThan(Soon));
            Assert.That(text.Length, Is.LessThan(1_000_000));
            Assert.That(allocated, Is.LessThan(AllowedBytes));
            if (must == "refuse")
            {
                Assert.That(error, Is.Not.Null);
            }

            if (error is not null)
            {
                Assert.That(error.Message, Is.Not.Empty);
            }

            Assert.That(text, Does.Not.Contain("<class").And.Not.Contain("System."));
        });
    }
}
