using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Serving;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>A conversation, encoded and ready to be answered, and how its answers are read.</summary>
internal sealed class ChatTurn
{
    /// <summary>No marker is longer than so many tokens.</summary>
    private const int TokensOfMarker = 32;

    private readonly ReplyFormat _format;
    private readonly ReplyParserOptions _parsing;
    private readonly ToolSet _tools;

    private ChatTurn(TextRequest request, ReplyFormat format, ReplyParserOptions parsing, ToolSet tools)
    {
        Request = request;
        _format = format;
        _parsing = parsing;
        _tools = tools;
    }

    /// <summary>What the generator is asked.</summary>
    public TextRequest Request { get; }

    /// <summary>Encodes a conversation.</summary>
    /// <exception cref="ApiException">It is too long.</exception>
    /// <exception cref="ChatTemplateException">The template refuses it.</exception>
    public static ChatTurn Of(
        ModelServer server, ChatPrompt prompt, GenerationOptions options, IReadOnlyList<string> stops, string parameter = "messages")
    {
        var variables = new Dictionary<string, JsonNode?>();
        if (prompt.ReasoningEffort is { } effort)
        {
            variables["reasoning_effort"] = effort is "none" or "minimal" or "low" or "medium" or "high" or "xhigh"
                ? effort
                : throw ApiException.Invalid("reasoning_effort", $"reasoning_effort '{effort}' is not known.");
        }

        bool inWords = prompt.Tools.ForTemplate is not null && server.Form is null;
        ModelTokenizer tokenizer = server.Generator.TokenizerFor(options);
        int[] ids = server.Limited(
            tokenizer.EncodeChat(inWords ? InWords(prompt) : prompt.Messages, new ChatRenderOptions
            {
                Tools = inWords ? null : prompt.Tools.ForTemplate,
                Variables = variables,
                // What callers write is text, whatever markers it spells.
                ContentAsText = true,
                Clock = server.Options.Clock,
            }),
            parameter);

        bool mayCall = prompt.Tools.Declarations.Count > 0;
        ReplyFormat format = mayCall || server.Format.ToolCalls == ToolCallFormat.Harmony
            ? server.Format
            : server.Format with { ToolCalls = ToolCallFormat.None };
        if (inWords && format.ToolCalls != ToolCallFormat.Harmony)
        {
            format = format with { ToolCalls = ToolCallFormat.GenericJson };
        }

        var parsing = new ReplyParserOptions
        {
            Tools = prompt.Tools.Declarations,
            StartsInReasoning = format.Reasoning.IsOpenAtEndOf(
                tokenizer.Decode(ids.AsSpan()[^Math.Min(ids.Length, TokensOfMarker)..])),
        };
        var request = new TextRequest(options)
        {
            PromptTokens = ids,
            StopStrings = stops,
            SkipSpecialTokens = format == ReplyFormat.Text,
        };
        return new ChatTurn(request, format, parsing, prompt.Tools);
    }

    // Templates know one system message: what was said there comes behind the tools.
    private static List<TemplateMessage> InWords(ChatPrompt prompt)
    {
        string preface = ToolsInWords.Describe(prompt.Tools.ForTemplate!);
        bool hasSystem = prompt.Messages[0].Role == "system";
        string said = hasSystem ? $"{preface}\n\n{prompt.Messages[0].Content!.GetValue<string>()}" : preface;
        return [new TemplateMessage("system", said), .. prompt.Messages.Skip(hasSystem ? 1 : 0)];
    }

    /// <summary>Who reads one of the answers.</summary>
    public ReplyReader CreateReader() =>
        new(_format == ReplyFormat.Text ? null : ReplyParser.Create(_format, _parsing), _tools.IsParallel ? int.MaxValue : 1);
}
