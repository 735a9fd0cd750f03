using System.Text;
using LLama;
using LLama.Batched;
using LLama.Common;
using LLama.Native;
using LLama.Sampling;

namespace SLoRA.Http.Bench.SideBySide;

// Adapters are a context's and not a sequence's: each tenant has a context of its own, which batches its questions and no other's.
internal sealed class WithLLamaSharp(LLamaWeights weights, (string Name, BatchedExecutor Executor)[] tenants) : ITwoTenants
{
    public static async Task<WithLLamaSharp> LoadAsync(Files files)
    {
        var parameters = new ModelParams(Path.Combine(files.Gguf, "model.gguf"))
        {
            ContextSize = 2048,
            SeqMax = 16,
            Threads = Environment.ProcessorCount / files.Tenants.Length,
            BatchThreads = Environment.ProcessorCount / files.Tenants.Length,
        };
        LLamaWeights weights = await LLamaWeights.LoadFromFileAsync(parameters);
        var tenants = new (string, BatchedExecutor)[files.Tenants.Length];
        for (int i = 0; i < tenants.Length; i++)
        {
            var executor = new BatchedExecutor(weights, parameters);
            LoraAdapter adapter = weights.NativeHandle.LoadLoraFromFile(Path.Combine(files.Gguf, files.Tenants[i] + ".gguf"));
            executor.Context.NativeHandle.SetLoraAdapters([(adapter, 1f)]);
            tenants[i] = (files.Tenants[i], executor);
        }

        return new WithLLamaSharp(weights, tenants);
    }

    public async Task<int> AskAsync(string[] questions, Action<string, int, string> show)
    {
        int[] tokens = await Task.WhenAll(tenants.Select(
            tenant => Task.Run(() => AskAsync(tenant.Name, tenant.Executor, questions, show))));
        return tokens.Sum();
    }

    public ValueTask DisposeAsync()
    {
        foreach ((_, BatchedExecutor executor) in tenants)
        {
            executor.Dispose();
        }

        weights.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<int> AskAsync(string tenant, BatchedExecutor executor, string[] questions, Action<string, int, string> show)
    {
        Answer[] answers = [.. questions.Select((question, i) => new Answer(i, Begin(executor, question), new(executor.Context)))];
        using var sampler = new GreedySamplingPipeline();
        int tokens = 0;
        while (answers.Any(answer => !answer.Conversation.IsDisposed))
        {
            DecodeResult result = await executor.Infer();
            if (result != DecodeResult.Ok)
            {
                throw new InvalidOperationException($"Inference ended with {result}.");
            }

            foreach (Answer answer in answers.Where(answer => !answer.Conversation.IsDisposed && answer.Conversation.RequiresSampling))
            {
                LLamaToken token = sampler.Sample(executor.Context.NativeHandle, answer.Conversation.GetSampleIndex());
                if (token.IsEndOfGeneration(weights.Vocab) || ++answer.Tokens == Files.MaxTokens)
                {
                    answer.Conversation.Dispose();
                    tokens += answer.Tokens;
                    continue;
                }

                answer.Decoder.Add(token);
                show(tenant, answer.Index, answer.Decoder.Read());
                answer.Conversation.Prompt(token);
            }
        }

        return tokens;
    }

    private Conversation Begin(BatchedExecutor executor, string question)
    {
        var template = new LLamaTemplate(weights) { AddAssistant = true };
        template.Add("system", Files.System).Add("user", question);
        Conversation conversation = executor.Create();
        conversation.Prompt(executor.Context.Tokenize(Encoding.UTF8.GetString(template.Apply()), addBos: false, special: true));
        return conversation;
    }

    private sealed record Answer(int Index, Conversation Conversation, StreamingTokenDecoder Decoder)
    {
        public int Tokens { get; set; }
    }
}
