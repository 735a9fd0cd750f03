using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>A request of a chat client, checked and translated.</summary>
/// <param name="Text">What the engine is asked.</param>
/// <param name="ModelId">The adapter that answers, or the base's name.</param>
/// <param name="Format">How the answer is read.</param>
/// <param name="Functions">What the model may call.</param>
/// <param name="AllowsManyCalls">Whether the answer goes on behind its first call.</param>
/// <param name="ShowsReasoning">Whether thoughts are passed on.</param>
internal sealed record ChatRequest(
    TextRequest Text, string ModelId, ReplyFormat Format, IReadOnlyList<AIFunctionDeclaration> Functions, bool AllowsManyCalls,
        bool ShowsReasoning)
{
    /// <summary>Translates a request.</summary>
    /// <param name="model">Whom it is for.</param>
    /// <param name="adapter">The client's own adapter; null for the base.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">What is asked of the answer.</param>
    /// <param name="client">The client, for the caller's factory.</param>
    /// <exception cref="InvalidRequestException">An option cannot be honoured.</exception>
    public static ChatRequest Create(
        ChatModel model, string? adapter, IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client)
    {
        options ??= new ChatOptions();
        RequestOptions.RefuseState(options);
        ILogitsHook? constraint = NoAnswerConstraints.Instance.For(options.ResponseFormat, options.ToolMode);
        IReadOnlyList<AIFunctionDeclaration> functions =
            options.ToolMode is NoneChatToolMode ? [] : ToolDefinition.Functions(options.Tools);
        TextRequest request = RequestOptions.ToRequest(model, adapter, options, client);
        string modelId = ModelOf(request, model);
        ChatDialect dialect = model.Dialect(functions.Count > 0);
        JsonArray? tools = functions.Count > 0 ? ToolDefinition.ToJson(functions) : null;
        bool inWords = tools is not null && dialect.CallForm is null;
        string preface = string.Join("\n\n",
            new[] { options.Instructions, inWords ? ToolsInWords.Describe(tools!) : null }.Where(text => !string.IsNullOrEmpty(text)));
        ReplyFormat format = tools is null ? dialect.FormatWithoutCalls : dialect.Format;
        return new ChatRequest(
            request with
            {
                Messages = TemplateConversation.Of(messages, preface, dialect),
                Rendering = request.Rendering! with { Tools = inWords ? null : tools },
                LogitsHook = constraint ?? request.LogitsHook,
                SkipSpecialTokens = format == ReplyFormat.Text,
            },
            modelId, format, functions, options.AllowMultipleToolCalls ?? true, options.Reasoning?.Output != ReasoningOutput.None);
    }

    private static string ModelOf(TextRequest request, ChatModel model) =>
        request.Adapter ?? (request.Adapters is { Count: > 0 } uses ? string.Join('+', uses.Select(use => use.Name)) : model.Name);
}
