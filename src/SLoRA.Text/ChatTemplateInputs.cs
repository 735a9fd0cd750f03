using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Text.Templates;

namespace SLoRA.Text;

/// <summary>
/// What a chat template is rendered with. All JSON is copied when it is given, so one instance can be rendered on many threads. Whole JSON
/// numbers are integers of any size, numbers with a fraction or an exponent are floats.
/// </summary>
public sealed class ChatTemplateInputs
{
    private readonly object? _messages;
    private readonly object? _tools;
    private readonly object? _documents;
    private readonly List<KeyValuePair<string, object?>> _variables = [];
    private long _size;

    /// <summary>Inputs for a conversation.</summary>
    /// <param name="messages">The conversation so far, oldest first.</param>
    /// <exception cref="ChatTemplateException">
    /// <c>template.limit</c>: the JSON nests deeper than 200 levels, or holds an integer of more than 4300 digits; <c>template.input</c>:
    /// it is no JSON.
    /// </exception>
    public ChatTemplateInputs(IEnumerable<TemplateMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _messages = new TemplateList([.. messages.Select(Of)]);
    }

    /// <summary>Inputs for a conversation that is already JSON; member order is kept.</summary>
    /// <param name="messages">A list of objects, as Hugging Face takes it.</param>
    /// <exception cref="ChatTemplateException">
    /// <c>template.limit</c>: the JSON nests deeper than 200 levels, or holds an integer of more than 4300 digits; <c>template.input</c>:
    /// it is no JSON.
    /// </exception>
    public ChatTemplateInputs(JsonNode messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        _messages = JsonValues.Of(messages, ref _size);
    }

    /// <summary>Inputs for a conversation that is already JSON; member order is kept.</summary>
    /// <param name="messages">A list of objects, as Hugging Face takes it.</param>
    /// <exception cref="ChatTemplateException">
    /// <c>template.limit</c>: the JSON nests deeper than 200 levels, or holds an integer of more than 4300 digits; <c>template.input</c>:
    /// it is no JSON.
    /// </exception>
    public ChatTemplateInputs(JsonElement messages) => _messages = JsonValues.Of(messages, ref _size);

    private ChatTemplateInputs(ChatTemplateInputs messages)
    {
        _messages = messages._messages;
        _size = messages._size;
    }

    /// <summary>Tool definitions, a list of JSON schemas; null is none.</summary>
    public JsonNode? Tools
    {
        init => _tools = JsonValues.Of(value, ref _size);
    }

    /// <summary>Documents for retrieval, a list of objects; null is none.</summary>
    public JsonNode? Documents
    {
        init => _documents = JsonValues.Of(value, ref _size);
    }

    /// <summary>Whether the text shall end where the assistant's answer begins.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Further variables: bos_token, eos_token, enable_thinking, ... They win over the names above.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Variables
    {
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach ((string name, JsonNode? node) in value)
            {
                _variables.Add(new(name, JsonValues.Of(node, ref _size)));
            }
        }
    }

    /// <summary>The clock of <c>strftime_now</c>; its local time is shown.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What rendering may cost.</summary>
    public ChatTemplateLimits Limits { get; init; } = ChatTemplateLimits.Default;

    /// <summary>Characters and values of all inputs: the limits grow with them.</summary>
    internal long Size => _size;

    /// <summary>The variables by name, in the order they are set.</summary>
    /// <param name="asContent">Whether text of the conversation is marked as its content.</param>
    internal IEnumerable<KeyValuePair<string, object?>> Values(bool asContent)
    {
        yield return new("messages", asContent ? ConversationValues.Messages(_messages) : _messages);
        yield return new("tools", asContent ? ConversationValues.Content(_tools) : _tools);
        yield return new("documents", asContent ? ConversationValues.Content(_documents) : _documents);
        yield return new("add_generation_prompt", AddGenerationPrompt);
        foreach (KeyValuePair<string, object?> variable in _variables)
        {
            yield return variable;
        }
    }

    /// <summary>The same messages with what a tokenizer adds to them.</summary>
    internal ChatTemplateInputs With(ChatRenderOptions options, IReadOnlyDictionary<string, JsonNode?> variables) => new(this)
    {
        Tools = options.Tools,
        Documents = options.Documents,
        AddGenerationPrompt = options.AddGenerationPrompt,
        Variables = variables,
        Clock = options.Clock,
        Limits = options.Limits,
    };

    private object? Of(TemplateMessage message, int index)
    {
        if (message is null)
        {
            throw new ChatTemplateException("template.input", $"message {index} of the conversation is null");
        }

        _size += message.Role.Length + 2;
        var members = new TemplateDict(2 + message.Members.Count);
        members.Set("role", message.Role);
        members.Set("content", JsonValues.Of(message.Content, ref _size));
        foreach ((string name, JsonNode? value) in message.Members)
        {
            members.Set(name, JsonValues.Of(value, ref _size));
        }

        return members;
    }
}
