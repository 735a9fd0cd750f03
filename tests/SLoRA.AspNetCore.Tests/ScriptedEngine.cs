using System.Runtime.CompilerServices;

namespace SLoRA.AspNetCore.Tests;

/// <summary>Answers each request with the ids that a script gives for it; all else is the engine's behind it.</summary>
internal sealed class ScriptedEngine(ILoraEngine engine, Func<GenerationRequest, int[]> script) : ILoraEngine
{
    /// <summary>Answers every request with the same ids.</summary>
    public ScriptedEngine(ILoraEngine engine, params int[] script)
        : this(engine, _ => script)
    {
    }

    public ModelInfo Model => engine.Model;

    public string Backend => engine.Backend;

    public IAdapterCollection Adapters => engine.Adapters;

    public EngineStatus Status => engine.Status;

    public Task Completion => engine.Completion;

    /// <summary>The last request.</summary>
    public GenerationRequest? Asked { get; private set; }

    public IGenerationStream GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        Asked = request;
        return new Script(request, script(request));
    }

    public Task<bool> DrainAsync(TimeSpan limit, CancellationToken cancellationToken = default) =>
        engine.DrainAsync(limit, cancellationToken);

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private sealed class Script(GenerationRequest request, int[] ids) : IGenerationStream
    {
        public GenerationRequest Request => request;

        public FinishReason? FinishReason { get; private set; }

        public IReadOnlyList<FinishReason> FinishReasons => FinishReason is { } reason ? [reason] : [];

        public IReadOnlyList<PromptTokenLogProbability?> PromptLogProbabilities => [];

        public GenerationUsage? Usage { get; private set; }

        public IAsyncEnumerable<GenerationUpdate> Updates => ReadAsync();

        public async IAsyncEnumerator<GeneratedToken> GetAsyncEnumerator(CancellationToken cancellationToken = default)
        {
            await foreach (GenerationUpdate update in ReadAsync(cancellationToken))
            {
                if (update.End is null)
                {
                    yield return update.Token;
                }
            }
        }

        private async IAsyncEnumerable<GenerationUpdate> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            for (int i = 0; i < ids.Length; i++)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                yield return new GenerationUpdate(new GeneratedToken(ids[i], i));
            }

            FinishReason = SLoRA.FinishReason.StopToken;
            Usage = new GenerationUsage
            {
                PromptTokens = request.Prompt.Length,
                CachedTokens = 0,
                GeneratedTokens = ids.Length,
                QueueTime = default,
                PageInTime = default,
                PrefillTime = default,
                DecodeTime = default,
            };
            yield return new GenerationUpdate(new ContinuationEnd(0, SLoRA.FinishReason.StopToken, ids.Length));
        }
    }
}
