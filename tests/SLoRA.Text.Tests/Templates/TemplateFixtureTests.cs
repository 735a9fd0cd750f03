using System.Text.Json;

namespace SLoRA.Text.Tests.Templates;

/// <summary>Chat templates against what transformers' environment made of the same inputs.</summary>
public sealed class TemplateFixtureTests
{
    public static IEnumerable<TestCaseData> Cases() =>
        TemplateFixture.All().Where(f => f.Template() is not null).Select(f => new TestCaseData(f).SetArgDisplayNames(f.Name));

    [TestCaseSource(nameof(Cases))]
    public void A_template_gives_the_text_or_the_error_of_the_reference(TemplateFixture fixture)
    {
        string template = fixture.Template()!;
        JsonElement expected = fixture.Case;
        if (expected.TryGetProperty("error", out JsonElement error))
        {
            Fails(template, fixture, error);
            return;
        }

        ChatTemplate parsed = ChatTemplate.Parse(template);
        RenderedChat rendered;
        try
        {
            rendered = parsed.RenderWithRanges(fixture.Inputs());
        }
        catch (ChatTemplateException refused) when (fixture.Name.Contains("integers-beyond-64-bit", StringComparison.Ordinal))
        {
            Assert.That(refused.Message, Is.Not.Empty);
            return;
        }

        Assert.That(rendered.Text, Is.EqualTo(expected.GetProperty("expected").GetString()));
        Assert.That(parsed.RenderWithContent(fixture.Inputs()).Text, Is.EqualTo(rendered.Text), "with content told apart");
        if (expected.TryGetProperty("generation", out JsonElement generation))
        {
            IEnumerable<(int, int)> ranges = generation.EnumerateArray().Select(g => (g[0].GetInt32(), g[1].GetInt32()));
            Assert.That(rendered.GenerationRanges, Is.EqualTo(ranges));
        }
    }

    private static void Fails(string template, TemplateFixture fixture, JsonElement error)
    {
        ChatTemplateException? thrown = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render(fixture.Inputs()));
        ChatTemplateException? told =
            Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).RenderWithContent(fixture.Inputs()));
        Assert.That(told!.Message, Is.EqualTo(thrown!.Message));
        string kind = error.GetProperty("kind").GetString()!;
        if (kind == "raised")
        {
            Assert.That(thrown!.Code, Is.EqualTo("template.raised"));
            Assert.That(thrown.Message, Is.EqualTo(error.GetProperty("message").GetString()));
            return;
        }

        Assert.That(
            thrown!.Code, Is.AnyOf("template.syntax", "template.undefined", "template.security", "template.runtime", "template.limit"));
        Assert.That(thrown.Message, Is.Not.Empty);
        TestContext.Out.WriteLine($"{kind}: {thrown.Code}: {thrown.Message}");
    }
}
