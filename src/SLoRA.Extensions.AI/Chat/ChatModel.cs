using SLoRA.Text;

namespace SLoRA.Extensions.AI.Chat;

/// <summary>What all requests to one engine share: its tokenizer, its name, how its templates are spoken.</summary>
internal sealed class ChatModel
{
    private readonly Lazy<ChatDialect> _plain;
    private readonly Lazy<ChatDialect> _withTools;

    public ChatModel(ILoraEngine engine, ModelTokenizer tokenizer, LoraChatOptions options)
    {
        Generator = new TextGenerator(engine, tokenizer);
        Options = options;
        Name = options.ModelName ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(engine.Model.Folder));
        _plain = new Lazy<ChatDialect>(() => ChatDialect.Of(tokenizer, options, hasTools: false));
        _withTools = new Lazy<ChatDialect>(() => ChatDialect.Of(tokenizer, options, hasTools: true));
    }

    public TextGenerator Generator { get; }

    public ILoraEngine Engine => Generator.Engine;

    public ModelTokenizer Tokenizer => Generator.Tokenizer;

    public LoraChatOptions Options { get; }

    /// <summary>The base model's name.</summary>
    public string Name { get; }

    /// <summary>How conversations are spoken with tools, or without.</summary>
    public ChatDialect Dialect(bool hasTools) => (hasTools ? _withTools : _plain).Value;
}
