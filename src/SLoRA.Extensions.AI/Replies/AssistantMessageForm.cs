using System.Text.Json.Nodes;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>
/// How a chat template wants an assistant's message with tool calls, so that a conversation can go on behind them. Templates differ: some
/// take arguments as an object and some as JSON text, some want no content beside calls.
/// </summary>
/// <param name="HasNullContent">
/// Whether the message's content has to be null beside calls; text that the model wrote with them is left out then.
/// </param>
/// <param name="HasTextArguments">Whether arguments are JSON text.</param>
public sealed record AssistantMessageForm(bool HasNullContent, bool HasTextArguments)
{
    // Nine letters and digits are an id for the templates that look at them.
    private static readonly ToolCallPart Probe = new(0, "probe0001", "probe_function", "{\"probe_key\": \"probe value\"}");

    /// <summary>Finds the form by rendering a message in each.</summary>
    /// <param name="template">The template.</param>
    /// <param name="variables">What the template reads besides the messages, such as <c>bos_token</c>; null for nothing.</param>
    /// <returns>Null where the template shows calls in no form.</returns>
    public static AssistantMessageForm? Of(ChatTemplate template, IReadOnlyDictionary<string, JsonNode?>? variables = null)
    {
        ArgumentNullException.ThrowIfNull(template);
        foreach (bool hasTextArguments in (bool[])[false, true])
        {
            foreach (bool hasNullContent in (bool[])[false, true])
            {
                var form = new AssistantMessageForm(hasNullContent, hasTextArguments);
                if (form.Shows(template, variables ?? new Dictionary<string, JsonNode?>()))
                {
                    return form;
                }
            }
        }

        return null;
    }

    /// <summary>An assistant's message, as the template takes it.</summary>
    /// <param name="text">What the user saw.</param>
    /// <param name="reasoning">What the model thought; empty for nothing.</param>
    /// <param name="calls">The calls, in order.</param>
    public TemplateMessage ToMessage(string text, string reasoning, IReadOnlyList<ToolCallPart> calls)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(reasoning);
        ArgumentNullException.ThrowIfNull(calls);
        var members = new Dictionary<string, JsonNode?>();
        if (reasoning.Length > 0)
        {
            // Each of these names is the one that some templates read.
            members["reasoning_content"] = members["reasoning"] = members["thinking"] = JsonValue.Create(reasoning);
        }

        if (calls.Count > 0)
        {
            members["tool_calls"] = new JsonArray([.. calls.Select(Member)]);
        }

        return new TemplateMessage("assistant", calls.Count > 0 && HasNullContent ? null : text) { Members = members };
    }

    private JsonNode? Member(ToolCallPart call) => new JsonObject
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = call.Name,
            ["arguments"] = HasTextArguments ? JsonValue.Create(call.Arguments) : JsonNode.Parse(call.Arguments),
        },
    };

    private bool Shows(ChatTemplate template, IReadOnlyDictionary<string, JsonNode?> variables)
    {
        try
        {
            TemplateMessage[] messages = [new("user", "probe"), ToMessage("", "", [Probe])];
            string text = template.Render(new ChatTemplateInputs(messages) { Variables = variables });

            // Where an id holds the name, templates show the id alone. Quotes with backslashes before them are those of text that was
            // written as JSON once more.
            bool hasName = text.Contains(Probe.Name, StringComparison.Ordinal) || text.Contains(Probe.Id, StringComparison.Ordinal);
            return hasName && text.Contains("probe_key", StringComparison.Ordinal)
                && text.Contains("probe value", StringComparison.Ordinal) && !text.Contains("\\\"probe_key", StringComparison.Ordinal);
        }
        catch (ChatTemplateException)
        {
            return false;
        }
    }
}
