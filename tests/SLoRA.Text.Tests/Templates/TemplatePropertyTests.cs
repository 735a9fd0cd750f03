using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using SLoRA.Text.Fuzz;

namespace SLoRA.Text.Tests.Templates;

/// <summary>What holds for any conversation and any template.</summary>
public sealed class TemplatePropertyTests
{
    private static readonly ChatTemplate[] Parsed =
        [.. TemplateFixture.All().Select(f => f.Template()).OfType<string>().Distinct().Select(TryParse).OfType<ChatTemplate>()];

    private static Arbitrary<TemplateMessage[]> Conversations
    {
        get
        {
            Gen<string> text = ArbMap.Default.GeneratorFor<string>().Select(s => s ?? "");
            Gen<JsonNode?> content = Gen.Frequency(
                (6, text.Select(t => (JsonNode?)JsonValue.Create(t))),
                (1, Gen.Constant((JsonNode?)null)),
                (1, text.Select(t => (JsonNode?)new JsonArray(new JsonObject { ["type"] = "text", ["text"] = t }))),
                (1, ArbMap.Default.GeneratorFor<int>().Select(n => (JsonNode?)JsonValue.Create(n))));
            Gen<TemplateMessage> message =
                from role in Gen.Elements("system", "user", "assistant", "tool")
                from body in content
                from calls in Gen.Elements(0, 0, 0, 1)
                from argument in text
                select new TemplateMessage(role, body)
                {
                    Members = calls == 0
                        ? new Dictionary<string, JsonNode?>()
                        : new Dictionary<string, JsonNode?> { ["tool_calls"] = Calls(argument) },
                };
            return message.ArrayOf().ToArbitrary();
        }
    }

    [SeededProperty(MaxTest = 60)]
    public Property Rendering_any_conversation_gives_a_text_or_a_template_error() => Prop.ForAll(Conversations, messages =>
    {
        Assert.That(Parsed, Is.Not.Empty);
        var inputs = new ChatTemplateInputs(messages) { AddGenerationPrompt = true };
        foreach (ChatTemplate template in Parsed)
        {
            string? first = Outcome(template, inputs);
            Assert.That(Outcome(template, inputs), Is.EqualTo(first), "the same inputs give the same outcome");
        }
    });

    [Test]
    public void Mutated_templates_end_in_a_text_or_a_template_error()
    {
        var target = new TemplateTarget();
        var mutator = new Mutator(target, seed: 7);
        for (int i = 0; i < 3_000; i++)
        {
            byte[] input = mutator.Next();
            Assert.That(() => target.Run(input), Throws.Nothing, () => Convert.ToBase64String(input));
        }
    }

    private static string Outcome(ChatTemplate template, ChatTemplateInputs inputs)
    {
        try
        {
            return template.Render(inputs);
        }
        catch (ChatTemplateException e)
        {
            return e.Code + e.Message;
        }
    }

    private static JsonArray Calls(string argument) => new(new JsonObject
    {
        ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = new JsonObject { ["a"] = argument } },
    });

    private static ChatTemplate? TryParse(string template)
    {
        try
        {
            return ChatTemplate.Parse(template);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }
}
