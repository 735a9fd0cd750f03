using System.Collections.Immutable;
using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

public sealed class ExpertTests
{
    private const int PageBytes = 32 * 1024;

    [SeededProperty(MaxTest = 40)]
    public void Experts_of_any_shape_agree_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(1, 60), experts = random.Next(1, 9), inputs = random.Next(1, 90), outputs = random.Next(1, 70);
        int chosen = random.Next(1, experts + 1);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 4));
        Layer layer = Layer.Create(twin, experts, chosen, inputs, outputs, rows);
        layer.Run();
        for (int row = 0; row < rows; row++)
        {
            float[] expected = Twin.Read(layer.Result.Reference, row), actual = Twin.Read(layer.Result.Cpu, row);
            for (int i = 0; i < outputs; i++)
            {
                // Deltas of ranks up to 128 are some hundreds in size; only the order of their inner sums differs.
                Assert.That(actual[i], Is.EqualTo(expected[i]).Within(1e-3f * Math.Max(1, Math.Abs(expected[i]))), $"row {row}");
            }
        }
    }

    [SeededProperty(MaxTest = 30)]
    public void A_row_has_the_same_bits_whoever_else_chooses_its_experts(int seed)
    {
        var random = new Random(seed);
        int rows = random.Next(2, 60);
        using var twin = new Twin(seed, rows, threads: random.Next(1, 4));
        Layer layer = Layer.Create(twin, experts: 6, chosen: 2, inputs: 70, outputs: 50, rows);
        layer.Run();
        int alone = random.Next(rows);
        float[] expected = Twin.Read(layer.Result.Cpu, alone);
        layer.KeepOnly(alone);
        layer.Run();
        Assert.That(Twin.Read(layer.Result.Cpu, 0), Is.EqualTo(expected));
    }

    /// <summary>A router and one product of experts on both backends, with adapters on some experts of some rows.</summary>
    private sealed class Layer(Twin twin, Routing routing, ResidentAdapter[] adapters)
    {
        private int[] _adapterOf = [];

        public required (DeviceRows Reference, DeviceRows Cpu) Logits { get; init; }

        public required (DeviceRows Reference, DeviceRows Cpu) Inputs { get; init; }

        public required (DeviceRows Reference, DeviceRows Cpu) Result { get; init; }

        public required (ExpertLinear Reference, ExpertLinear Cpu) Product { get; init; }

        public required (DeviceRoutes Reference, DeviceRoutes Cpu) Routes { get; init; }

        public required (DeviceRows Reference, DeviceRows Cpu) Spread { get; init; }

        public required (DeviceRows Reference, DeviceRows Cpu) Given { get; init; }

        public static Layer Create(Twin twin, int experts, int chosen, int inputs, int outputs, int rows)
        {
            twin.AllocatePages(Layouts.For(TensorType.F32, PageBytes / (2 * sizeof(float)), Layouts.Attention(1, 1, 1)), 200);
            var free = new Queue<int>(Enumerable.Range(0, 200));
            var random = new RandomAdapter(
                twin.Random, (page, offset, type, elements) =>
                {
                    twin.Reference.Pages.Write(page, offset, elements);
                    twin.Cpu.Pages.Write(page, offset, elements);
                },
                free, PageBytes);
            ResidentAdapter[] adapters =
            [
                .. Enumerable.Range(0, 2).Select(_ => random.Create(
                    [.. Enumerable.Range(0, experts).Select(_ =>
                        twin.Random.Next(3) == 0 ? ((int Inputs, int Outputs)?)null : (inputs, outputs))])),
            ];
            WeightSource[] weights = [.. Enumerable.Range(0, experts).Select(_ => twin.Weight(TensorType.BF16, outputs, inputs))];
            WeightSource bias = twin.Weight(TensorType.F32, 1, experts * outputs);
            var sources = new ExpertSources(experts, [outputs], inputs, (expert, _) => weights[expert]);
            ImmutableArray<ExpertTargets> targets = [new ExpertTargets(0, 0, outputs)];
            DeviceRoutes reference = twin.Reference.CreateRoutes(experts, chosen), cpu = twin.Cpu.CreateRoutes(experts, chosen);
            var routing = new Routing { Experts = experts, Chosen = chosen, Score = RouterScore.Softmax, Normalise = true };
            return new Layer(twin, routing, adapters)
            {
                _adapterOf = [.. Enumerable.Range(0, rows).Select(_ => twin.Random.Next(-1, 2))],
                Logits = twin.Rows(RowSet.Step, experts, rows, size: 4),
                Inputs = twin.Rows(RowSet.Step, inputs, rows),
                Result = (twin.Reference.CreateRows(RowSet.Step, outputs), twin.Cpu.CreateRows(RowSet.Step, outputs)),
                Product = (
                    new ExpertLinear(twin.Reference.LoadExperts(sources), twin.Reference.LoadVector(bias), targets),
                    new ExpertLinear(twin.Cpu.LoadExperts(sources), twin.Cpu.LoadVector(bias), targets)),
                Routes = (reference, cpu),
                Spread = (twin.Reference.CreateRoutedRows(reference, inputs), twin.Cpu.CreateRoutedRows(cpu, inputs)),
                Given = (twin.Reference.CreateRoutedRows(reference, outputs), twin.Cpu.CreateRoutedRows(cpu, outputs)),
            };
        }

        public void Run()
        {
            twin.Plan.Clear();
            twin.Plan.AddSlice(new int[_adapterOf.Length], 0, [], 0);
            for (int adapter = 0; adapter < adapters.Length; adapter++)
            {
                for (int row = 0; row < _adapterOf.Length; row++)
                {
                    if (_adapterOf[row] == adapter)
                    {
                        twin.Plan.Lora.Add(adapters[adapter], row, 1, 0.5f, startsPlace: false);
                    }
                }
            }

            twin.BeginStep();
            Run(twin.Reference, Logits.Reference, Inputs.Reference, Routes.Reference, Spread.Reference, Product.Reference, Given.Reference,
                Result.Reference);
            Run(twin.Cpu, Logits.Cpu, Inputs.Cpu, Routes.Cpu, Spread.Cpu, Product.Cpu, Given.Cpu, Result.Cpu);
        }

        /// <summary>Makes a row the only one.</summary>
        public void KeepOnly(int row)
        {
            Twin.Write(Logits.Cpu, 0, Twin.Read(Logits.Cpu, row));
            Twin.Write(Inputs.Cpu, 0, Twin.Read(Inputs.Cpu, row));
            _adapterOf = [_adapterOf[row]];
        }

        private void Run(
            IBackend backend, DeviceRows logits, DeviceRows x, DeviceRoutes routes, DeviceRows spread, ExpertLinear product,
            DeviceRows given, DeviceRows y)
        {
            backend.Route(logits, routing, null, null, routes);
            backend.Spread(x, routes, weighted: false, spread);
            backend.LinearOfExperts(product, spread, routes, given);
            backend.Combine(given, routes, weighted: true, y);
        }
    }
}
