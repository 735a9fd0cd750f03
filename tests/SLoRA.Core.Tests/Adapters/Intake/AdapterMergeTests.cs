using System.Runtime.InteropServices;
using System.Text.Json;
using NUnit.Framework;
using SLoRA.Core.Tests.Engine;
using SLoRA.Core.Tests.Formats;

namespace SLoRA.Core.Tests.Adapters.Intake;

/// <summary>Merged adapters against those of PEFT, in the folder of the repository and in those that SLORA_MERGES names.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class AdapterMergeTests
{
    private const float Tolerance = 1e-5f;

    public static IEnumerable<TestCaseData> Merges => Cases("merges");

    public static IEnumerable<TestCaseData> Refused => Cases("refused");

    [TestCaseSource(nameof(Merges))]
    public void A_merge_is_that_of_PEFT(string folder, string name)
    {
        JsonElement merge = Case(folder, "merges", name);
        if (Method(merge) is not { } method)
        {
            Assert.That(merge.GetProperty("combination_type").GetString(), Does.EndWith("_svd"), "the only ones that are not offered");
            return;
        }

        Dictionary<string, (long[] Shape, float[] Values)> merged = Tensors(AdapterTensors.Merge(
            new AdapterMerge
            {
                Method = method,
                Density = merge.TryGetProperty("density", out JsonElement density) ? density.GetDouble() : 0.5,
                Sign = merge.TryGetProperty("majority_sign_method", out JsonElement sign) && sign.GetString() == "frequency"
                    ? AdapterMergeSign.Frequency
                    : AdapterMergeSign.Total,
                Rank = merge.TryGetProperty("svd_rank", out JsonElement rank) ? rank.GetInt32() : null,
            },
            Adapters(folder, merge)));
        bool determined = merge.GetProperty("factors_are_determined").GetBoolean();
        int compared = 0;
        foreach ((string key, (long[] shape, float[] values)) in Expected(folder, name))
        {
            string module = key[..key.LastIndexOf('.')];
            string part = key[(key.LastIndexOf('.') + 1)..];
            (long[] Shape, float[] Values) a = merged[$"base_model.model.{module}.lora_A.weight"],
                b = merged[$"base_model.model.{module}.lora_B.weight"];
            Assert.That(a.Shape[0], Is.EqualTo(merge.GetProperty("rank").GetInt32()));
            if (part == "delta")
            {
                Assert.That(Product(a, b), Is.EqualTo(values).Within(Tolerance), key);
                compared++;
            }
            else if (determined)
            {
                Assert.That((part == "A" ? a : b).Shape, Is.EqualTo(shape));
                Assert.That((part == "A" ? a : b).Values, Is.EqualTo(values).Within(Tolerance), key);
                compared++;
            }
        }

        Assert.That(compared, Is.Positive);
    }

    [TestCaseSource(nameof(Refused))]
    public void What_cannot_be_merged_is_refused(string folder, string name)
    {
        JsonElement merge = Case(folder, "refused", name);
        if (Method(merge) is { } method && merge.GetProperty("adapters").EnumerateArray().All(adapter => Exists(folder, adapter)))
        {
            var error = Assert.Throws<InvalidOptionException>(
                () => AdapterTensors.Merge(new AdapterMerge { Method = method }, Adapters(folder, merge)))!;
            Assert.That(error.Message, Does.Contain(merge.GetProperty("mention").GetString()));
        }
        else if (Method(merge) is not null)
        {
            Assert.That(() => Adapters(folder, merge),
                Throws.TypeOf<AdapterLoadException>().With.Message.Contains(merge.GetProperty("mention").GetString()));
        }
    }

    [Test]
    public void The_sum_by_ranks_is_what_the_adapters_together_give_in_a_request()
    {
        using var engine = new SteppedEngine(adapters: ["qv", "patterns", "embed-only"]);
        engine.Run(engine.Adapters.RegisterTensorsAsync("merged", AdapterTensors.Merge(
            new AdapterMerge(), (Folder("qv"), 0.5), (Folder("patterns"), -1.25), (Folder("embed-only"), 2))));
        var request = new GenerationRequest { Prompt = Enumerable.Range(9, 20).ToArray(), MaxTokens = 12, IgnoreEndOfText = true };
        Answer together = engine.Ask(request with { Adapters = [new("qv", 0.5f), new("patterns", -1.25f), new("embed-only", 2)] });
        Answer merged = engine.Ask(request with { Adapter = "merged" });
        engine.Finish(together, merged);

        Assert.That(merged.Tokens, Is.EqualTo(together.Tokens));
    }

    [Test]
    public void Dare_keeps_its_share_divided_by_it_and_the_seed_decides_which()
    {
        AdapterTensors qv = Folder("qv");
        Dictionary<string, (long[], float[] Values)> whole = Tensors(AdapterTensors.Merge(With(1, 1), (qv, 1.0))),
            some = Tensors(AdapterTensors.Merge(With(0.25, 1), (qv, 1.0))), same = Tensors(AdapterTensors.Merge(With(0.25, 1), (qv, 1.0))),
            other = Tensors(AdapterTensors.Merge(With(0.25, 2), (qv, 1.0)));
        float[] all = [.. whole.Values.SelectMany(tensor => tensor.Values)], kept = [.. some.Values.SelectMany(tensor => tensor.Values)];

        // 6000 elements and more: four standard deviations are less than 0.03.
        Assert.That(kept.Count(value => value != 0) / (double)kept.Length, Is.EqualTo(0.25).Within(0.03));
        Assert.That(kept.Zip(all).Where(pair => pair.First != 0).All(pair => MathF.Abs((pair.Second * 4) - pair.First) < 1e-5f), Is.True);
        Assert.That(same.Values.SelectMany(tensor => tensor.Values), Is.EqualTo(kept));
        Assert.That(other.Values.SelectMany(tensor => tensor.Values), Is.Not.EqualTo(kept));

        static AdapterMerge With(double density, ulong seed) =>
            new() { Method = AdapterMergeMethod.DareLinear, Density = density, Seed = seed };
    }

    [TestCase("later-dora")]
    [TestCase("later-save-head")]
    [TestCase("later-lora-bias")]
    [TestCase("later-alora")]
    public void What_is_not_plain_LoRA_is_not_merged(string adapter) => Assert.That(
        () => AdapterTensors.Merge(new AdapterMerge(), (Folder(adapter), 1)),
        Throws.TypeOf<AdapterLoadException>().With.Property("Kind").EqualTo(LoadErrorKind.Incompatible));

    [Test]
    public void Values_out_of_their_range_are_refused()
    {
        AdapterTensors qv = Folder("qv");
        foreach (AdapterMerge how in (AdapterMerge[])[
            new() { Density = 0 }, new() { Density = 1.5 }, new() { Density = double.NaN }, new() { Rank = 0 },
            new() { Method = (AdapterMergeMethod)99 }, new() { Sign = (AdapterMergeSign)7 }])
        {
            Assert.That(() => AdapterTensors.Merge(how, (qv, 1)), Throws.TypeOf<InvalidOptionException>(), how.ToString());
        }

        Assert.That(() => AdapterTensors.Merge(new AdapterMerge(), (qv, double.NaN)), Throws.TypeOf<InvalidOptionException>());
        Assert.That(() => AdapterTensors.Merge(new AdapterMerge()), Throws.TypeOf<ArgumentException>());
    }

    private static AdapterTensors Folder(string adapter) => AdapterTensors.FromFolder(SteppedEngine.AdapterFolder(adapter));

    private static (AdapterTensors, double)[] Adapters(string folder, JsonElement merge) =>
    [
        .. merge.GetProperty("adapters").EnumerateArray().Zip(merge.GetProperty("weights").EnumerateArray(), (adapter, weight) =>
            (AdapterTensors.FromFolder(Path.Combine(folder, "adapters", adapter.GetString()!)), weight.GetDouble())),
    ];

    private static bool Exists(string folder, JsonElement adapter) =>
        Directory.Exists(Path.Combine(folder, "adapters", adapter.GetString()!));

    private static AdapterMergeMethod? Method(JsonElement merge) => merge.GetProperty("combination_type").GetString() switch
    {
        "cat" => AdapterMergeMethod.Concatenate,
        "svd" => AdapterMergeMethod.Svd,
        "linear" => AdapterMergeMethod.Linear,
        "magnitude_prune" => AdapterMergeMethod.MagnitudePrune,
        "ties" => AdapterMergeMethod.Ties,
        _ => null,
    };

    private static Dictionary<string, (long[] Shape, float[] Values)> Tensors(AdapterTensors tensors)
    {
        using var reader = tensors.ToPackage("merged").Open();
        return reader.Tensors.ToDictionary(tensor => tensor.Name, tensor =>
        {
            byte[] bytes = new byte[tensor.Length];
            reader.Read(tensor, 0, bytes);
            return ((long[])[.. tensor.Shape], MemoryMarshal.Cast<byte, float>(bytes).ToArray());
        });
    }

    private static float[] Product((long[] Shape, float[] Values) a, (long[] Shape, float[] Values) b)
    {
        (int rank, int inputs, int outputs) = ((int)a.Shape[0], (int)a.Shape[1], (int)b.Shape[0]);
        var product = new float[outputs * inputs];
        for (int at = 0; at < product.Length; at++)
        {
            for (int r = 0; r < rank; r++)
            {
                product[at] += b.Values[(at / inputs * rank) + r] * a.Values[(r * inputs) + (at % inputs)];
            }
        }

        return product;
    }

    private static IEnumerable<(string Key, (long[] Shape, float[] Values) Tensor)> Expected(string folder, string merge)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(folder, "expected.safetensors"));
        return SafetensorsWriter.Read(file).Tensors
            .Where(tensor => tensor.Name.StartsWith(merge + "/", StringComparison.Ordinal))
            .Select(tensor => (tensor.Name[(merge.Length + 1)..], ((long[])[.. tensor.Shape],
                MemoryMarshal.Cast<byte, float>(file.AsSpan((int)tensor.Begin, (int)tensor.Length)).ToArray())));
    }

    private static IEnumerable<string> Folders() => (Environment.GetEnvironmentVariable("SLORA_MERGES") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Prepend(RepositoryFolder.Fixture("adapter-merge"));

    private static IEnumerable<TestCaseData> Cases(string list) =>
        from folder in Folders()
        from merge in Document(folder).RootElement.GetProperty(list).EnumerateArray()
        select new TestCaseData(folder, merge.GetProperty("name").GetString());

    private static JsonElement Case(string folder, string list, string name) => Document(folder).RootElement.GetProperty(list)
        .EnumerateArray().Single(merge => merge.GetProperty("name").GetString() == name);

    private static JsonDocument Document(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
}
