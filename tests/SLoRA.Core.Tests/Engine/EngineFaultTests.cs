using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Backends.Reference;
using SLoRA.Engine;
using SLoRA.Models;

namespace SLoRA.Core.Tests.Engine;

/// <summary>A device that fails ends the engine's streams with a typed error, and the process goes on.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class EngineFaultTests
{
    [Test]
    public async Task A_device_fault_ends_every_stream_and_later_requests_with_the_same_error()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 8L << 20)
            .UseBackend((rows, outputs) => new FailingBackend(new ReferenceBackend(rows, outputs), failAtStep: 5))
            .BuildAsync();
        var request = new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 50, IgnoreEndOfText = true };
        GenerationStream[] streams = [engine.GenerateAsync(request), engine.GenerateAsync(request)];

        foreach (GenerationStream stream in streams)
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(stream)))!;
            Assert.That(error.InnerException, Is.TypeOf<IOException>());
        }

        Assert.That(streams.Select(stream => stream.FinishReason), Has.Some.EqualTo(FinishReason.Failed));
        await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(engine.GenerateAsync(request)));
    }

    [Test]
    public async Task A_page_that_cannot_be_written_ends_every_stream_with_the_same_error()
    {
        await using LoraServingEngine engine = await LoraServingEngine.CreateBuilder()
            .UseModel(RepositoryFolder.Fixture("core-llama-gqa", "model"))
            .ConfigurePool(pool => pool.Bytes = 8L << 20)
            .AddAdapter("r1", SteppedEngine.AdapterFolder("r1"))
            .UseBackend((rows, outputs) => new FailingBackend(new ReferenceBackend(rows, outputs), failAtStep: int.MaxValue, failsToWrite: true))
            .BuildAsync();
        var request = new GenerationRequest { Prompt = new[] { 1, 2, 3 }, MaxTokens = 50, IgnoreEndOfText = true };
        GenerationStream[] streams = [engine.GenerateAsync(request with { Adapter = "r1" }), engine.GenerateAsync(request with { Adapter = "r1" })];

        foreach (GenerationStream stream in streams)
        {
            var error = (await Assert.ThrowsAsync<EngineFaultedException>(() => Drain(stream)))!;
            Assert.That(error.InnerException, Is.TypeOf<IOException>());
        }
    }

    private static async Task Drain(GenerationStream stream)
    {
        await foreach (GeneratedToken _ in stream)
        {
        }
    }

    /// <summary>Throws when a step begins, from the stated one on.</summary>
    private sealed class FailingBackend(IBackend inner, int failAtStep, bool failsToWrite = false) : IBackend
    {
        private int _steps;

        public string Name => inner.Name;

        public IPageMemory Pages => failsToWrite ? new FailingPages(inner.Pages) : inner.Pages;

        public void AllocatePages(KvLayout layout, int pageCount) => inner.AllocatePages(layout, pageCount);

        public DeviceMatrix LoadMatrix(WeightSource source) => inner.LoadMatrix(source);

        public DeviceTable LoadTable(WeightSource source) => inner.LoadTable(source);

        public DeviceVector LoadVector(WeightSource source) => inner.LoadVector(source);

        public DeviceRows CreateRows(RowSet rows, int width) => inner.CreateRows(rows, width);

        public DeviceRope CreateRope(RopeDescription rope) => inner.CreateRope(rope);

        public void BeginStep(StepPlan plan)
        {
            if (++_steps >= failAtStep)
            {
                throw new IOException("The device is gone.");
            }

            inner.BeginStep(plan);
        }

        public void Embed(DeviceTable table, int target, DeviceRows x) => inner.Embed(table, target, x);

        public void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y) => inner.Norm(x, weight, epsilon, y);

        public void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon) =>
            inner.NormHeads(x, firstColumn, heads, weight, epsilon);

        public void Linear(LinearGroup group, DeviceRows x, DeviceRows y) => inner.Linear(group, x, y);

        public void RotateAndStore(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRope rope) =>
            inner.RotateAndStore(qkv, layer, attention, rope);

        public void Attend(DeviceRows qkv, int layer, AttentionDescription attention, DeviceRows y) => inner.Attend(qkv, layer, attention, y);

        public void Gate(DeviceRows x, DeviceRows y) => inner.Gate(x, y);

        public void Add(DeviceRows x, DeviceRows y) => inner.Add(x, y);

        public void GatherOutputs(DeviceRows x, DeviceRows y) => inner.GatherOutputs(x, y);

        public void EndStep(DeviceRows logits) => inner.EndStep(logits);

        public Span<float> Logits(DeviceRows logits, int output) => inner.Logits(logits, output);

        public void Dispose() => inner.Dispose();
    }

    /// <summary>Pages that refuse to be written.</summary>
    private sealed class FailingPages(IPageMemory inner) : IPageMemory
    {
        public int PageCount => inner.PageCount;

        public long PageBytes => inner.PageBytes;

        public void Write(int page, long offset, ReadOnlySpan<byte> source) => throw new IOException("The device is gone.");

        public void Read(int page, long offset, Span<byte> destination) => inner.Read(page, offset, destination);

        public void Copy(int source, int destination) => inner.Copy(source, destination);
    }
}
