using System.Text.Json.Nodes;

namespace SLoRA.Text;

// Conversations: the chat template of the folder, rendered and encoded.
public sealed partial class Tokenizer
{
    private ChatTemplate? _chatTemplate;

    /// <summary>Renders a conversation by the folder's chat template, which is parsed at the first call.</summary>
    /// <param name="messages">The conversation so far, oldest first.</param>
    /// <param name="addGenerationPrompt">Whether the text shall end where the assistant's answer begins.</param>
    /// <exception cref="ChatTemplateException">The folder has no template, or it cannot be parsed or rendered.</exception>
    public string RenderChat(IEnumerable<ChatMessage> messages, bool addGenerationPrompt = true)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatTemplate template = LazyInitializer.EnsureInitialized(ref _chatTemplate, ParseChatTemplate);
        return template.Render(new ChatTemplateInputs(messages)
        {
            AddGenerationPrompt = addGenerationPrompt,
            Variables = SpecialTokens.ToDictionary(token => token.Key, token => (JsonNode?)JsonValue.Create(token.Value)),
        });
    }

    /// <summary>The ids of a conversation: what <see cref="RenderChat"/> gives, encoded without adding special tokens, since the template writes them.</summary>
    /// <inheritdoc cref="RenderChat"/>
    public int[] EncodeChat(IEnumerable<ChatMessage> messages, bool addGenerationPrompt = true) =>
        Encode(RenderChat(messages, addGenerationPrompt), addSpecialTokens: false);

    private ChatTemplate ParseChatTemplate() => ChatTemplateTexts.TryGetValue("default", out string? text)
        ? ChatTemplate.Parse(text)
        : throw new ChatTemplateException("template.missing", "The tokenizer has no chat template.");
}
