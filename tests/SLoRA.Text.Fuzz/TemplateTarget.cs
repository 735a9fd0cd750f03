using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SLoRA.Text.Fuzz;

/// <summary>
/// The first byte chooses the conversation, the rest is a chat template in UTF-8: it does not parse, or renders to a bounded text, or ends
/// in <see cref="ChatTemplateException"/>.
/// </summary>
internal sealed class TemplateTarget : IFuzzTarget
{
    private const int LongestText = 40_000_000;

    // Small limits keep the run fast; the conversations with one value of the first byte have the real ones.
    private const byte WithDefaultLimits = 255;

    private static readonly ChatTemplateLimits Small = new() { Steps = 20_000, Memory = 800_000, StepsPerInput = 8, MemoryPerInput = 8 };

    private static readonly string[] Parts =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "{% if ", "{% else %}", "{% endif %}", "{% for i in ", "{% endfor %}",
        "{% set x = ", "{% set %}",
        "{% macro f(a) %}", "{% endmacro %}", "{{ f(f) }}", "{% call f() %}", "{% endcall %}", "{% raw %}", "{% endraw %}", "{% break %}",
        "{% generation %}",
        "{% endgeneration %}", " recursive", "loop(", "loop.", "messages", "tools", "[0]", "[-1]", "[::2]", "[1:", "|list", "|tojson",
        "|join(", "|map('", "|sort",
        "|unique", "|replace('", "|format(", "|indent(", "|round(", "|int", "|float", "|batch(", "|slice(", "|groupby('role')",
        "|selectattr('", ".split(", ".join(",
        ".format(", ".items()", ".center(", "'%s' % ", "'{}'", "namespace(", "ns.x", "range(", "99999", "10 ** 40", "-1", "0", "1.5e300",
        "none", "true", " ~ ", " + ",
        " * ", " ** ", " // ", " % ", " and ", " not ", " in ", " is ", " if ", " else ", "(", ")", "[", "]", "{", "}", ",", ":", "'", "\"",
        "\\", "\\u", "\n", "\r",
        "'😀'", "'ß'", "__class__", "|safe", "|e", "{% autoescape true %}", "{% endautoescape %}", "{% filter upper %}", "{% endfilter %}",
        "self.", "cycler(1)", "joiner()",
        "strftime_now('%", "raise_exception(", "\\ud83d", "\u0130\u03a3",
    ];

    private readonly List<ChatTemplateInputs> _inputs = [];
    private readonly List<ChatTemplateInputs> _inputsWithDefaults = [];

    public TemplateTarget()
    {
        var seeds = new List<byte[]>();
        using JsonDocument templates = Read("templates.json");
        foreach (JsonElement entry in templates.RootElement.GetProperty("templates").EnumerateArray())
        {
            JsonElement first = entry.GetProperty("cases")[0];
            _inputs.Add(Inputs(first, Small));
            _inputsWithDefaults.Add(Inputs(first, ChatTemplateLimits.Default));
            if (entry.TryGetProperty("template", out JsonElement own))
            {
                seeds.Add([(byte)(_inputs.Count - 1), .. Encoding.UTF8.GetBytes(own.GetString()!)]);
            }
        }

        using JsonDocument hostile = Read("hostile.json");
        foreach (JsonElement entry in hostile.RootElement.GetProperty("templates").EnumerateArray())
        {
            string text = entry.GetProperty("template").GetString()!;
            if (text.Length < 2_000)
            {
                seeds.Add([0, .. Encoding.UTF8.GetBytes(text)]);
            }
        }

        Seeds = seeds;
    }

    public string Name => "template";

    public bool IsJson => false;

    public IReadOnlyList<byte[]> Seeds { get; }

    public IReadOnlyList<byte[]> Words { get; } = [.. Parts.Select(Encoding.UTF8.GetBytes)];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        List<ChatTemplateInputs> inputs = input[0] == WithDefaultLimits ? _inputsWithDefaults : _inputs;
        try
        {
            string text = ChatTemplate.Parse(Encoding.UTF8.GetString(input[1..])).Render(inputs[input[0] % inputs.Count]);
            if (text.Length > LongestText)
            {
                throw new InvalidOperationException($"A text of {text.Length} characters.");
            }
        }
        catch (ChatTemplateException expected)
        {
            if (expected.Message.Length == 0 && expected.Code != "template.raised")
            {
                throw new InvalidOperationException("An error without a message.", expected);
            }
        }
    }

    private static JsonDocument Read(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures.Folder("templates"), file)));

    private static ChatTemplateInputs Inputs(JsonElement item, ChatTemplateLimits limits) => new(item.GetProperty("messages"))
    {
        Tools = item.GetProperty("tools").ValueKind == JsonValueKind.Null ? null : JsonNode.Parse(item.GetProperty("tools").GetRawText()),
        AddGenerationPrompt = true,
        Variables = JsonNode.Parse(item.GetProperty("extra").GetRawText())!.AsObject().ToDictionary(e => e.Key, e => e.Value),
        Limits = limits,
    };
}
