namespace SLoRA.Extensions.AI.Replies;

/// <summary>How a model writes that it calls a tool. <see cref="ReplyFormat.Detect"/> finds the format of a chat template.</summary>
public sealed class ToolCallFormat
{
    private readonly CallIds _ids;

    private ToolCallFormat(string name, CallSyntax syntax, CallIds? ids = null)
    {
        Name = name;
        Syntax = syntax;
        _ids = ids ?? CallIds.Any;
    }

    /// <summary>No calls: the whole answer is text.</summary>
    public static ToolCallFormat None { get; } = new("none", CallSyntax.None);

    /// <summary>
    /// JSON objects between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>: Hermes 2 Pro and 3, Qwen 2.5, QwQ, Qwen 3.
    /// </summary>
    public static ToolCallFormat Hermes { get; } = new("hermes", CallSyntax.Hermes);

    /// <summary><c>&lt;function=NAME&gt;</c> and <c>&lt;parameter=KEY&gt;</c> with raw values: Qwen3-Coder, Qwen 3.5 and later.</summary>
    public static ToolCallFormat Qwen3Coder { get; } = new("qwen3_coder", CallSyntax.Qwen3Coder);

    /// <summary>
    /// An answer that is one or several JSON objects with <c>name</c> and <c>parameters</c>, or such objects behind
    /// <c>&lt;|python_tag|&gt;</c>: Llama 3.1 to 3.3.
    /// </summary>
    public static ToolCallFormat Llama3Json { get; } = new("llama3_json", CallSyntax.Llama3Json);

    /// <summary>
    /// An answer that is a Python list of calls with keyword arguments: Llama 3.2 and 4 when asked for it, ToolACE, OLMo 3.
    /// </summary>
    public static ToolCallFormat Pythonic { get; } = new("pythonic", CallSyntax.Pythonic);

    /// <summary>
    /// <c>[TOOL_CALLS]</c> with a JSON array, or with name and arguments for each call: all versions of Mistral's tokenizers.
    /// </summary>
    public static ToolCallFormat Mistral { get; } = new("mistral", CallSyntax.Mistral, CallIds.Mistral);

    /// <summary>A section of calls, arguments in a code fence or without: DeepSeek V3, R1 and V3.1.</summary>
    public static ToolCallFormat DeepSeek { get; } = new("deepseek", CallSyntax.DeepSeek);

    /// <summary>
    /// A JSON array behind <c>&lt;|tool_call|&gt;</c> or <c>&lt;tool_call&gt;</c>, or blocks as Hermes': Granite 3 and 4.
    /// </summary>
    public static ToolCallFormat Granite { get; } = new("granite", CallSyntax.Granite);

    /// <summary>A name, <c>arg_key</c> and <c>arg_value</c> with raw values: GLM 4.5 to 4.7.</summary>
    public static ToolCallFormat Glm4 { get; } = new("glm4_moe", CallSyntax.Glm4);

    /// <summary>A section of calls whose names are their ids: Kimi K2.</summary>
    public static ToolCallFormat KimiK2 { get; } = new("kimi_k2", CallSyntax.KimiK2, CallIds.Kimi);

    /// <summary><c>&lt;invoke name="NAME"&gt;</c> with raw values: MiniMax M2.</summary>
    public static ToolCallFormat MiniMaxM2 { get; } = new("minimax_m2", CallSyntax.MiniMaxM2);

    /// <summary><c>functools</c> and a JSON array: Phi-4-mini.</summary>
    public static ToolCallFormat Phi4Mini { get; } = new("phi4_mini", CallSyntax.Phi4Mini);

    /// <summary>
    /// A JSON object between <c>&lt;|action_start|&gt;&lt;|plugin|&gt;</c> and <c>&lt;|action_end|&gt;</c>: InternLM 2 and 2.5.
    /// </summary>
    public static ToolCallFormat InternLm { get; } = new("internlm", CallSyntax.InternLm);

    /// <summary>An answer that is nothing but JSON, for models that are told in words how to call.</summary>
    public static ToolCallFormat GenericJson { get; } = new("generic_json", CallSyntax.GenericJson);

    /// <summary>Messages on channels: gpt-oss. Thoughts are part of the format, so its reasoning format does not matter.</summary>
    public static ToolCallFormat Harmony { get; } = new("harmony", CallSyntax.None);

    /// <summary>All formats.</summary>
    public static IReadOnlyList<ToolCallFormat> All { get; } =
    [
        None, Hermes, Qwen3Coder, Llama3Json, Pythonic, Mistral, DeepSeek, Granite, Glm4, KimiK2, MiniMaxM2, Phi4Mini, InternLm,
        GenericJson, Harmony,
    ];

    /// <summary>The name that options and documentation use.</summary>
    public string Name { get; }

    internal CallSyntax Syntax { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>The id of a call: the one that the model wrote where it is of use, else a new one.</summary>
    internal string CallId(ToolCall call, int index, ref int tried, IReadOnlySet<string> used) => _ids.Of(call, index, ref tried, used);
}
