using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using SLoRA.Text;

namespace SLoRA.Extensions.AI;

/// <summary>Chat clients of an engine.</summary>
public static class LoraEngineChatExtensions
{
    private static readonly ConditionalWeakTable<ILoraEngine, ModelTokenizer> Tokenizers = [];

    /// <summary>
    /// A chat client of the engine's base model and of all its adapters: <see cref="ChatOptions.ModelId"/> says which.
    /// </summary>
    /// <param name="engine">Who answers. The client does not dispose it.</param>
    /// <param name="tokenizer">The tokenizer of the engine's model; null loads it from the model's folder, once for an engine.</param>
    /// <param name="options">What requests may leave open; null for the defaults.</param>
    /// <exception cref="TokenizerException">The folder's tokenizer cannot be read.</exception>
    public static LoraChatClient AsChatClient(this ILoraEngine engine, ModelTokenizer? tokenizer = null, LoraChatOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return new LoraChatClient(engine, tokenizer ?? TokenizerOf(engine), options);
    }

    /// <summary>
    /// A chat client of one adapter, for requests that name no model. With a tokenizer or options of your own, or for many adapters, use
    /// <see cref="LoraChatClient.ForAdapter"/>.
    /// </summary>
    /// <param name="engine">Who answers. The client does not dispose it.</param>
    /// <param name="adapter">The adapter's name. It need not be registered yet.</param>
    /// <exception cref="TokenizerException">The folder's tokenizer cannot be read.</exception>
    public static LoraChatClient AsChatClient(this ILoraEngine engine, string adapter) => engine.AsChatClient().ForAdapter(adapter);

    private static ModelTokenizer TokenizerOf(ILoraEngine engine) =>
        Tokenizers.GetValue(engine, static engine => ModelTokenizer.Load(engine.Model.Folder));
}
