using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SLoRA.AspNetCore.Errors;
using SLoRA.Extensions.AI;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Serving;

/// <summary>What all endpoints of one engine share: names, limits, and how its model writes. Thread-safe.</summary>
internal sealed class ModelServer
{
    private const string ProbeTool = "probe_tool_name";

    private readonly Lazy<AssistantMessageForm?> _form;
    private readonly Lazy<string> _baseName;

    /// <param name="generator">The engine with its tokenizer. Its model may still have to be loaded.</param>
    /// <param name="options">Names and limits; null for the defaults.</param>
    /// <param name="services">The host's, among which a chat client may have a name for the base.</param>
    public ModelServer(TextGenerator generator, SLoraHttpOptions? options, IServiceProvider services)
    {
        options ??= new SLoraHttpOptions();
        options.Validate();
        Generator = generator;
        Options = options;
        _baseName = new Lazy<string>(() => options.ModelName ?? NameIn(services) ?? FolderName(), LazyThreadSafetyMode.PublicationOnly);
        Created = Now;
        string? template = Tokenizer.GetChatTemplate(hasTools: true);
        Format = template is null ? ReplyFormat.Text : ReplyFormat.Detect(template, token => Tokenizer.TokenToId(token) is not null);
        _form = new Lazy<AssistantMessageForm?>(() => template is not null && ShowsTools() ? FormOf(template) : null);
    }

    public TextGenerator Generator { get; }

    public ILoraEngine Engine => Generator.Engine;

    public ModelTokenizer Tokenizer => Generator.Tokenizer;

    public SLoraHttpOptions Options { get; }

    /// <summary>What requests call the base model.</summary>
    public string BaseName => _baseName.Value;

    /// <summary>When the endpoints were mapped, in seconds since 1970.</summary>
    public long Created { get; }

    /// <summary>The time, in seconds since 1970.</summary>
    public long Now => Options.Clock.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>How the model marks calls and thoughts.</summary>
    public ReplyFormat Format { get; }

    /// <summary>How the template takes earlier calls; null where it knows no tools or no calls: then both are told in words.</summary>
    public AssistantMessageForm? Form => _form.Value;

    /// <summary>The adapter that a model's name stands for; null for the base.</summary>
    /// <exception cref="ApiException">The caller names no model, or one that it may not use.</exception>
    public string? AdapterOf(HttpContext http, string? model)
    {
        if (string.IsNullOrEmpty(model))
        {
            throw new ApiException(
                StatusCodes.Status400BadRequest, "missing_required_parameter", "The body names no model in 'model'.", "model");
        }

        return Options.MayUse(http.User, model) ? (model == BaseName ? null : model) : throw ApiException.UnknownModel(model);
    }

    /// <summary>Refuses a prompt that is longer than this server takes.</summary>
    public int[] Limited(int[] prompt, string parameter)
    {
        int limit = Math.Min(Options.MaxPromptTokens ?? int.MaxValue, Engine.Model.ContextLength - 1);
        return prompt.Length <= limit
            ? prompt
            : throw new ApiException(
                StatusCodes.Status400BadRequest, "context_length_exceeded",
                $"The prompt has {prompt.Length} tokens; this server takes at most {limit}.", parameter);
    }

    private bool ShowsTools()
    {
        try
        {
            var tool = new JsonObject
            {
                ["type"] = "function",
                ["function"] = new JsonObject
                {
                    ["name"] = ProbeTool,
                    ["description"] = "probe",
                    ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() },
                },
            };
            return Tokenizer.RenderChat([new TemplateMessage("user", "probe")], new ChatRenderOptions { Tools = new JsonArray(tool) })
                .Contains(ProbeTool, StringComparison.Ordinal);
        }
        catch (ChatTemplateException)
        {
            return false;
        }
    }

    private string? NameIn(IServiceProvider services) =>
        services.GetService<LoraChatClient>() is { } client && ReferenceEquals(client.GetService<ILoraEngine>(), Engine)
            ? client.GetService<ChatClientMetadata>()?.DefaultModelId
            : null;

    private string FolderName() => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Engine.Model.Folder)));

    private AssistantMessageForm? FormOf(string template) => AssistantMessageForm.Of(
        ChatTemplate.Parse(template),
        Tokenizer.SpecialTokens.ToDictionary(
            token => token.Key, token => (JsonNode?)JsonValue.Create(token.Value)));
}
