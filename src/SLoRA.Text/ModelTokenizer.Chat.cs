using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace SLoRA.Text;

/// <content>Conversations: the folder's chat templates, rendered and encoded.</content>
public sealed partial class ModelTokenizer
{
    private const string DefaultTemplate = "default";
    private const string ToolTemplate = "tool_use";

    private readonly ConcurrentDictionary<string, ChatTemplate> _templates = new(StringComparer.Ordinal);

    /// <summary>
    /// The names of the folder's chat templates; the one without a name is <c>default</c>. Empty where the folder has none.
    /// </summary>
    public IEnumerable<string> ChatTemplateNames => ChatTemplateTexts.Keys;

    /// <summary>The source of a chat template of the folder, as Jinja text; null where there is no such template.</summary>
    /// <param name="name">Its name; null for the one that a conversation with tools, or without, would use.</param>
    /// <param name="hasTools">Whether the conversation has tools; only asked where no name is given.</param>
    public string? GetChatTemplate(string? name = null, bool hasTools = false) =>
        ChatTemplateTexts.GetValueOrDefault(name ?? TemplateNameFor(hasTools));

    /// <summary>
    /// A conversation as the prompt the model was trained on. The template sees the special tokens by their roles (<c>bos_token</c>, ...).
    /// </summary>
    /// <param name="messages">The conversation so far, oldest first.</param>
    /// <param name="options">Tools, documents, variables, the template's name; null for none of them.</param>
    /// <exception cref="ChatTemplateException">
    /// <c>template.missing</c>: the folder has no (such) template; others as <see cref="ChatTemplate.Render"/> and
    /// <see cref="ChatTemplate.Parse"/> say.
    /// </exception>
    public string RenderChat(IEnumerable<TemplateMessage> messages, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatRenderOptions();
        return Template(options).Render(Inputs(new ChatTemplateInputs(messages), options));
    }

    /// <summary>
    /// As <see cref="RenderChat"/>, for messages that are JSON already: a list of objects whose members keep their order.
    /// </summary>
    /// <param name="messages">A list of objects, as Hugging Face takes it.</param>
    /// <param name="options">Tools, documents, variables, the template's name; null for none of them.</param>
    /// <exception cref="ChatTemplateException">As for <see cref="RenderChat"/>.</exception>
    public string RenderChatJson(JsonNode messages, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatRenderOptions();
        return Template(options).Render(Inputs(new ChatTemplateInputs(messages), options));
    }

    /// <summary>
    /// The ids of a conversation. What the post-processor would add is not added: the template itself writes the tokens that begin and end
    /// a prompt.
    /// </summary>
    /// <param name="messages">The conversation so far, oldest first.</param>
    /// <param name="options">Tools, documents, variables, the template's name; null for none of them.</param>
    /// <exception cref="ChatTemplateException">As for <see cref="RenderChat"/>.</exception>
    /// <exception cref="TokenizerException">As for <see cref="Encode(string, bool)"/>.</exception>
    public int[] EncodeChat(IEnumerable<TemplateMessage> messages, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Encode(new ChatTemplateInputs(messages), options ?? new ChatRenderOptions());
    }

    /// <summary>As <see cref="EncodeChat"/>, for messages that are JSON already.</summary>
    /// <param name="messages">A list of objects, as Hugging Face takes it.</param>
    /// <param name="options">Tools, documents, variables, the template's name; null for none of them.</param>
    /// <exception cref="ChatTemplateException">As for <see cref="RenderChat"/>.</exception>
    /// <exception cref="TokenizerException">As for <see cref="Encode(string, bool)"/>.</exception>
    public int[] EncodeChatJson(JsonNode messages, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Encode(new ChatTemplateInputs(messages), options ?? new ChatRenderOptions());
    }

    private int[] Encode(ChatTemplateInputs messages, ChatRenderOptions options)
    {
        ChatTemplateInputs inputs = Inputs(messages, options);
        if (!options.ContentAsText)
        {
            return Encode(Template(options).Render(inputs), addSpecialTokens: false);
        }

        (string text, ContentRange[] content) = Template(options).RenderWithContent(inputs);
        return Encode(text, content);
    }

    private ChatTemplate Template(ChatRenderOptions options)
    {
        if (options.Template is not null)
        {
            return options.Template;
        }

        IReadOnlyDictionary<string, string> texts = ChatTemplateTexts;
        string name = options.TemplateName ?? TemplateNameFor(options.Tools is not null);
        if (texts.TryGetValue(name, out string? text))
        {
            return _templates.GetOrAdd(name, static (_, source) => ChatTemplate.Parse(source), text);
        }

        throw new ChatTemplateException("template.missing", texts.Count == 0
            ? "the tokenizer has no chat template (neither chat_template in tokenizer_config.json nor a chat_template.jinja); pass one in "
                + "ChatRenderOptions.Template"
            : $"the tokenizer has no chat template named '{name}'; it has {string.Join(", ", texts.Keys.Select(k => $"'{k}'"))}");
    }

    private string TemplateNameFor(bool hasTools) =>
        hasTools && ChatTemplateTexts.ContainsKey(ToolTemplate) ? ToolTemplate : DefaultTemplate;

    private ChatTemplateInputs Inputs(ChatTemplateInputs messages, ChatRenderOptions options)
    {
        var variables = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach ((string role, string token) in SpecialTokens)
        {
            variables[role] = token;
        }

        foreach ((string name, JsonNode? value) in options.Variables)
        {
            variables[name] = value;
        }

        return messages.With(options, variables);
    }
}
