using System.Text.Json.Nodes;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>How a chat template is spoken.</summary>
/// <param name="Format">How the model writes its answers.</param>
/// <param name="CallForm">
/// How the template takes calls back; null where it knows of no tools or no calls: then both are told in words.
/// </param>
internal sealed record ChatDialect(ReplyFormat Format, AssistantMessageForm? CallForm)
{
    private const string ProbeTool = "probe_tool_name";

    /// <summary>The dialect of the template that a conversation with tools, or without, would use.</summary>
    public static ChatDialect Of(ModelTokenizer tokenizer, LoraChatOptions options, bool hasTools)
    {
        ChatRenderOptions rendering = options.Rendering;
        string? source = rendering.Template?.Source ?? tokenizer.GetChatTemplate(rendering.TemplateName, hasTools);
        if (source is null)
        {
            // Nothing will be generated: rendering says that there is no template.
            return new ChatDialect(ReplyFormat.Text, null);
        }

        AssistantMessageForm? form = ShowsTools(tokenizer, rendering)
            ? AssistantMessageForm.Of(rendering.Template ?? ChatTemplate.Parse(source), VariablesOf(tokenizer, rendering))
            : null;
        ReplyFormat format = ReplyFormat.Detect(source, token => tokenizer.TokenToId(token) is not null);
        if (form is null && format.ToolCalls != ToolCallFormat.Harmony)
        {
            format = format with { ToolCalls = ToolCallFormat.GenericJson };
        }

        return new ChatDialect(options.ReplyFormat ?? format, form);
    }

    /// <summary>The format without calls. Harmony stays: its channels are what text is told by.</summary>
    public ReplyFormat FormatWithoutCalls =>
        Format.ToolCalls == ToolCallFormat.Harmony ? Format : Format with { ToolCalls = ToolCallFormat.None };

    private static bool ShowsTools(ModelTokenizer tokenizer, ChatRenderOptions rendering)
    {
        try
        {
            var tool = new ToolDefinition(ProbeTool, "probe", new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() });
            string text = tokenizer.RenderChat(
                [new TemplateMessage("user", "probe")], rendering with { Tools = new JsonArray(tool.ToJson()) });
            return text.Contains(ProbeTool, StringComparison.Ordinal);
        }
        catch (ChatTemplateException)
        {
            return false;
        }
    }

    private static Dictionary<string, JsonNode?> VariablesOf(ModelTokenizer tokenizer, ChatRenderOptions rendering)
    {
        Dictionary<string, JsonNode?> variables =
            tokenizer.SpecialTokens.ToDictionary(token => token.Key, token => (JsonNode?)JsonValue.Create(token.Value));
        foreach ((string name, JsonNode? value) in rendering.Variables)
        {
            variables[name] = value;
        }

        return variables;
    }
}
