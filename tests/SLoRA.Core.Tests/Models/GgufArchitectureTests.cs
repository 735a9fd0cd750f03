using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using NUnit.Framework;
using SLoRA.Core.Tests.Adapters;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Formats;
using SLoRA.Formats;
using SLoRA.Models;
using SLoRA.Models.Families;
using SLoRA.Requests;

namespace SLoRA.Core.Tests.Models;

/// <summary>
/// The same made-up weights as a folder of Hugging Face and as llama.cpp's converter writes them: logits are the same, alone, with an
/// adapter of PEFT, and with the same adapter in GGUF.
/// </summary>
[Parallelizable(ParallelScope.All)]
internal sealed class GgufArchitectureTests
{
    private const int Prompt = 30;

    private static IEnumerable<TestCaseData> Cases => GgufCases.All.Select(one => new TestCaseData(one).SetArgDisplayNames(one.ToString()));

    [TestCaseSource(nameof(Cases))]
    public void Logits_are_those_of_the_folder_with_the_same_weights(GgufCase model)
    {
        using var files = new Files(model);
        float[][] expected = files.Logits(files.Folder), actual = files.Logits(files.Gguf);
        Assert.That(Difference(actual, expected), Is.LessThan(5e-5f));
        using var peft = new TemporaryFolder();
        files.Adapter(target => target.Kind == TargetKind.Linear).Write(peft.Path);
        float[][] adapted = files.Logits(files.Folder, peft.Path);
        Assert.Multiple(() =>
        {
            Assert.That(Difference(adapted, expected), Is.GreaterThan(0.01f), "the adapter does something");
            Assert.That(Difference(files.Logits(files.Gguf, peft.Path), adapted), Is.LessThan(2e-3f), "PEFT on GGUF");
        });
    }

    [TestCaseSource(nameof(Cases))]
    public void Adapters_in_GGUF_are_those_of_PEFT_on_experts_too(GgufCase model)
    {
        using var files = new Files(model);
        using var folder = new TemporaryFolder();
        TestAdapter adapter = files.Adapter(target => target.Kind is TargetKind.Linear or TargetKind.Expert
            && target.Views is null && !(model.Conversion.Architecture.StartsWith("qwen35", StringComparison.Ordinal)
                && target.Name.Contains("linear_attn", StringComparison.Ordinal)) && model.Names(target.Name.Split('.', 4)[3]));
        adapter.Write(folder.Path);
        string gguf = folder.Write("adapter.gguf", model.WriteAdapter(adapter.Tensors.Select(tensor =>
            (tensor.Name["base_model.model.".Length..],
                new FloatTensor(tensor.Shape, MemoryMarshal.Cast<byte, float>(tensor.Data).ToArray())))));
        float[][] plain = files.Logits(files.Folder), expected = files.Logits(files.Folder, folder.Path);
        Assert.Multiple(() =>
        {
            Assert.That(Difference(plain, expected), Is.GreaterThan(0.01f), "the adapter does something");
            Assert.That(Difference(files.Logits(files.Folder, gguf), expected), Is.LessThan(2e-3f), "on the folder");
            Assert.That(Difference(files.Logits(files.Gguf, gguf), expected), Is.LessThan(2e-3f), "on GGUF");
        });
    }

    private static float Difference(float[][] left, float[][] right)
    {
        Assert.That(left, Has.Length.EqualTo(Prompt));
        return left.Zip(right, (a, b) => a.Zip(b, (x, y) => MathF.Abs(x - y)).Max()).Max();
    }

    /// <summary>A model in both forms.</summary>
    private sealed class Files : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly GgufCase _model;
        private readonly DecoderModules _modules;

        public Files(GgufCase model)
        {
            _model = model;
            _modules = DecoderModules.Of(DecoderFamilies.Describe(
                ConfigDocument.Parse(Encoding.UTF8.GetBytes(model.Config), "config.json")));
            var random = new Random(5);
            List<(string Name, FloatTensor Tensor)> tensors =
                [.. _modules.Tensors.Select(tensor => (tensor.Name, Made(tensor, random)))];
            _folder.Write("config.json", model.Config);
            _folder.Write("model.safetensors", SafetensorsWriter.Write(
                tensors.Select(tensor => (tensor.Name, "F32", tensor.Tensor.Shape, tensor.Tensor.Bytes()))));
            Gguf = _folder.Write("model.gguf", model.Write(model.Conversion.Convert(tensors)));
        }

        public string Folder => _folder.Path;

        public string Gguf { get; }

        /// <summary>An adapter on modules of two layers.</summary>
        public TestAdapter Adapter(Func<TargetModule, bool> isTargeted) => TestAdapter.For(
            _modules.Targets.Where(target => target is { IsTarget: true, Layer: 1 or 2 } && isTargeted(target)), _ => 3,
            _ => TensorType.F32);

        public float[][] Logits(string model, string? adapter = null)
        {
            var logits = new LogitsRows();
            using var engine = new SteppedEngine(builder =>
            {
                builder.UseModel(model).UseCpu().ConfigurePool(pool => pool.Bytes = 8L << 20);
                if (adapter is not null)
                {
                    builder.AddAdapter("tenant", adapter);
                }
            });
            engine.Finish(engine.Ask(new GenerationRequest
            {
                Prompt = (int[])[.. Enumerable.Range(0, Prompt).Select(i => i * 31 % GgufCase.Vocabulary)],
                MaxTokens = 1,
                Adapter = adapter is null ? null : "tenant",
                Tap = logits,
                IgnoreEndOfText = true,
            }));
            return logits.Rows;
        }

        public void Dispose() => _folder.Dispose();

        private FloatTensor Made(ExpectedTensor tensor, Random random)
        {
            int layer = tensor.Name.Split('.') is [_, "layers", var number, ..] ? int.Parse(number, CultureInfo.InvariantCulture) : 0;
            string constant = tensor.Name.Split('.')[^1];
            if (_model.Keys.FirstOrDefault(key => key.Key == "xielu." + constant).Value is float[] constants)
            {
                return new FloatTensor([.. tensor.Shape], [constants[layer]]);
            }

            bool isNorm = tensor.Shape.Length == 1 && tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal);
            return new FloatTensor([.. tensor.Shape],
                [.. Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => ((random.NextSingle() - 0.5f) * 0.4f) + (isNorm ? 1 : 0))]);
        }
    }

    private sealed class LogitsRows : LogitsTap
    {
        private readonly SortedDictionary<int, float[]> _rows = [];

        public override bool WholePrompt => true;

        public float[][] Rows => [.. _rows.Values];

        public override void Take(int position, ReadOnlySpan<float> logits) => _rows[position] = logits.ToArray();
    }
}
