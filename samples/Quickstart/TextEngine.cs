using SLoRA;
using SLoRA.Text;

namespace Quickstart;

/// <summary>An engine and the tokenizer of its model.</summary>
internal sealed class TextEngine(LoraServingEngine engine, ModelTokenizer tokenizer) : IAsyncDisposable
{
    public LoraServingEngine Engine { get; } = engine;

    public ModelTokenizer Tokenizer { get; } = tokenizer;

    /// <summary>Loads model, tokenizer and adapters.</summary>
    public static async Task<TextEngine> LoadAsync(ModelFiles files, IProgress<LoadProgress> progress, CancellationToken cancellation)
    {
        Task<ModelTokenizer> tokenizer = Task.Run(() => ModelTokenizer.Load(files.Model), cancellation);
        LoraServingEngineBuilder builder = LoraServingEngine.CreateBuilder()
            .UseModel(files.Model)
            .UseCpu(cpu => cpu.Weights = files.Weights)
            .ConfigurePool(pool => pool.Bytes = files.PoolBytes);
        foreach ((string name, string folder) in files.Adapters)
        {
            builder.AddAdapter(name, folder);
        }

        LoraServingEngine engine = await builder.BuildAsync(progress, cancellation);
        try
        {
            return new TextEngine(engine, await tokenizer);
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The prompt of a conversation: by the chat template, or the last message as it is where there is none or none is wanted.
    /// </summary>
    public int[] Encode(IReadOnlyList<TemplateMessage> messages, bool isRaw) => isRaw || !Tokenizer.ChatTemplateNames.Any()
        ? Tokenizer.Encode(messages[^1].Content!.GetValue<string>())
        : Tokenizer.EncodeChat(messages);

    public ValueTask DisposeAsync() => Engine.DisposeAsync();
}
