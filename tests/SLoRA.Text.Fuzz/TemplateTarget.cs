using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Fuzz;

/// <summary>Chat templates: any text either does not parse, or renders to a bounded text, or ends in <see cref="ChatTemplateException"/>.</summary>
internal sealed class TemplateTarget : FuzzTarget
{
    private const int LongestText = 40_000_000;

    // Small limits keep the run fast; one execution in so many has the real ones.
    private const int WithDefaultLimits = 2_000;

    private static readonly ChatTemplateLimits Small = new() { Steps = 20_000, Memory = 200_000, StepsPerInput = 8, MemoryPerInput = 8 };

    private readonly List<string> _seeds = [];
    private readonly List<ChatTemplateInputs> _inputs = [];
    private readonly List<ChatTemplateInputs> _inputsWithDefaults = [];

    /// <summary>Reads seeds and inputs from a folder with templates.json and hostile.json.</summary>
    public TemplateTarget(string folder)
    {
        using JsonDocument templates = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "templates.json")));
        foreach (JsonElement entry in templates.RootElement.GetProperty("templates").EnumerateArray())
        {
            if (entry.TryGetProperty("template", out JsonElement own))
                _seeds.Add(own.GetString()!);
            JsonElement first = entry.GetProperty("cases")[0];
            _inputs.Add(Inputs(first, Small));
            _inputsWithDefaults.Add(Inputs(first, ChatTemplateLimits.Default));
        }

        using JsonDocument hostile = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "hostile.json")));
        foreach (JsonElement entry in hostile.RootElement.GetProperty("templates").EnumerateArray())
        {
            string text = entry.GetProperty("template").GetString()!;
            if (text.Length < 2_000)
                _seeds.Add(text);
        }
    }

    public override string Name => "template";

    public override IReadOnlyList<string> Seeds => _seeds;

    public override IReadOnlyList<string> Words { get; } =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "{% if ", "{% else %}", "{% endif %}", "{% for i in ", "{% endfor %}", "{% set x = ", "{% set %}",
        "{% macro f(a) %}", "{% endmacro %}", "{{ f(f) }}", "{% call f() %}", "{% endcall %}", "{% raw %}", "{% endraw %}", "{% break %}", "{% generation %}",
        "{% endgeneration %}", " recursive", "loop(", "loop.", "messages", "tools", "[0]", "[-1]", "[::2]", "[1:", "|list", "|tojson", "|join(", "|map('", "|sort",
        "|unique", "|replace('", "|format(", "|indent(", "|round(", "|int", "|float", "|batch(", "|slice(", "|groupby('role')", "|selectattr('", ".split(", ".join(",
        ".format(", ".items()", ".center(", "'%s' % ", "'{}'", "namespace(", "ns.x", "range(", "99999", "10 ** 40", "-1", "0", "1.5e300", "none", "true", " ~ ", " + ",
        " * ", " ** ", " // ", " % ", " and ", " not ", " in ", " is ", " if ", " else ", "(", ")", "[", "]", "{", "}", ",", ":", "'", "\"", "\\", "\\u", "\n", "\r",
        "'😀'", "'ß'", "__class__", "|safe", "|e", "{% autoescape true %}", "{% endautoescape %}", "{% filter upper %}", "{% endfilter %}", "self.", "cycler(1)", "joiner()",
        "strftime_now('%", "raise_exception(",
    ];

    public override void Execute(string input, Random random)
    {
        List<ChatTemplateInputs> inputs = random.Next(WithDefaultLimits) == 0 ? _inputsWithDefaults : _inputs;
        try
        {
            string text = ChatTemplate.Parse(input).Render(inputs[random.Next(inputs.Count)]);
            if (text.Length > LongestText)
                throw new InvalidOperationException($"a text of {text.Length} characters");
        }
        catch (ChatTemplateException expected)
        {
            if (expected.Message.Length == 0 && expected.Code != "template.raised")
                throw new InvalidOperationException("an error without a message");
        }
    }

    private static ChatTemplateInputs Inputs(JsonElement item, ChatTemplateLimits limits) => new(item.GetProperty("messages"))
    {
        Tools = item.GetProperty("tools").ValueKind == JsonValueKind.Null ? null : JsonNode.Parse(item.GetProperty("tools").GetRawText()),
        AddGenerationPrompt = true,
        Variables = JsonNode.Parse(item.GetProperty("extra").GetRawText())!.AsObject().ToDictionary(e => e.Key, e => e.Value),
        Limits = limits,
    };
}
