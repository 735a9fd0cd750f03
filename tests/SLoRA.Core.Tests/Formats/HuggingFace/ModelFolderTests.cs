using NUnit.Framework;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Core.Tests.Formats.HuggingFace;

internal sealed class ModelFolderTests
{
    [Test]
    public void A_folder_that_is_not_there_is_named()
    {
        Refused(() => ModelFolder.Open("no/such/model"), LoadErrorKind.File, "no/such/model");
    }

    [Test]
    public void A_file_in_place_of_a_folder_is_refused()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("model.safetensors", "");
        Refused(() => ModelFolder.Open(file), LoadErrorKind.File, "is a file");
    }

    [Test]
    public void A_folder_without_a_configuration_is_refused()
    {
        using var folder = new TemporaryFolder();
        Refused(() => ModelFolder.Open(folder.Path), LoadErrorKind.File, "'config.json' is missing");
    }

    [Test]
    public void A_gguf_model_beside_a_configuration_is_refused_by_the_name_of_its_file()
    {
        using var folder = new TemporaryFolder();
        folder.Write("model.gguf", "GGUF");
        folder.Write("config.json", "{}");
        Refused(() => ModelFolder.Open(folder.Path).ReadIndex(), LoadErrorKind.Incompatible, "model.gguf");
    }

    [TestCase("pytorch_model.bin")]
    [TestCase("pytorch_model.bin.index.json")]
    [TestCase("consolidated.00.pth")]
    [TestCase("model.ckpt")]
    public void Pickles_are_refused_by_name_and_never_opened(string pickle)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        using var locked = new FileStream(folder.Write(pickle, "x"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Refused(() => ModelFolder.Open(folder.Path).ReadIndex(), LoadErrorKind.File, pickle);
    }

    [Test]
    public void No_weights_at_all_are_refused_by_the_name_of_the_missing_file()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model-00001-of-00002.safetensors", "x");
        Refused(() => ModelFolder.Open(folder.Path).ReadIndex(), LoadErrorKind.File, "'model.safetensors' is missing");
    }

    [Test]
    public void One_file_wins_over_an_index()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        string file = folder.Write("model.safetensors", "x");
        folder.Write("model.safetensors.index.json", "not read");
        CheckpointIndex index = ModelFolder.Open(folder.Path).ReadIndex();
        Assert.That(index.Shards, Is.EqualTo(new[] { file }));
        Assert.That(index.ShardOf, Is.Null);
    }

    [TestCase("../outside.safetensors")]
    [TestCase("/etc/outside.safetensors")]
    [TestCase("sub/outside.safetensors")]
    [TestCase("..\\outside.safetensors")]
    [TestCase("c:outside.safetensors")]
    [TestCase("shard.bin")]
    [TestCase("..")]
    [TestCase("")]
    public void An_index_may_name_only_tensor_files_of_its_own_folder(string shard)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors.index.json", $$$"""{"weight_map":{"a":{{{System.Text.Json.JsonSerializer.Serialize(shard)}}}}}""");
        FormatError error = Refused(() => ModelFolder.Open(folder.Path).ReadIndex(), LoadErrorKind.File, Shown.Name(shard));
        Assert.That(error.Subject, Is.EqualTo(shard));
    }

    [TestCase("""{"weight_map":{}}""", "weight_map")]
    [TestCase("""{}""", "weight_map")]
    [TestCase("""{"weight_map":[]}""", "weight_map")]
    [TestCase("""{"weight_map":{"a":7}}""", "weight_map.a")]
    [TestCase("""{"weight_map":{"a":null}}""", "weight_map.a")]
    [TestCase("""{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}""", "weight_map.a")]
    [TestCase("""{"weight_map":{"a":"x.safetensors"}}""", "x.safetensors")]
    [TestCase("""{{"weight_map":{}}""", null)]
    public void A_bad_index_is_an_error_of_the_file(string json, string? subject)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors.index.json", json);
        FormatError error = Refused(() => ModelFolder.Open(folder.Path).ReadIndex(), LoadErrorKind.File, "model.safetensors.index.json");
        Assert.That(error.Subject, Is.EqualTo(subject));
    }

    [Test]
    public void Generation_defaults_come_from_their_own_file_first()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """{"eos_token_id":7}""");
        ModelFolder model = ModelFolder.Open(folder.Path);
        Assert.That(model.ReadGenerationDefaults().EndOfSequence, Is.EqualTo(new[] { 7 }));

        folder.Write("generation_config.json", """{"eos_token_id":[2,"""
            + """0],"do_sample":true,"temperature":0.6,"top_k":20,"repetition_penalty":1.1,"num_beams":4,"typical_p":1.0}""");
        GenerationDefaults defaults = model.ReadGenerationDefaults();
        Assert.Multiple(() =>
        {
            Assert.That(defaults.EndOfSequence, Is.EqualTo(new[] { 2, 0 }));
            Assert.That(defaults.NotApplied, Is.EqualTo(new[] { "num_beams" }));
        });

        folder.Write("generation_config.json", """{"eos_token_id":null}""");
        Assert.That(model.ReadGenerationDefaults().EndOfSequence, Is.EqualTo(new[] { 7 }));

        folder.Write("generation_config.json", """{"eos_token_id":-2}""");
        Refused(() => model.ReadGenerationDefaults(), LoadErrorKind.Config, "eos_token_id");
    }

    [TestCase("\"top_k\":-1", Description = "as vLLM switches it off")]
    [TestCase("\"top_k\":1e9,\"top_p\":1.5,\"min_p\":-1", "top_p", "min_p")]
    [TestCase("\"temperature\":null,\"do_sample\":\"yes\",\"max_length\":-5")]
    [TestCase("\"repetition_penalty\":[1.1],\"top_p\":\"\"", "top_p", "repetition_penalty")]
    public void Values_that_cannot_be_do_not_refuse_a_model_and_are_named(string values, params string[] named)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """{"eos_token_id":7}""");
        folder.Write("generation_config.json", $$"""{"eos_token_id":2,{{values}}}""");
        GenerationDefaults defaults = ModelFolder.Open(folder.Path).ReadGenerationDefaults();
        Assert.That(defaults.EndOfSequence.Single(), Is.EqualTo(2));
        Assert.That(defaults.NotApplied, Is.EqualTo(named));
    }

    private static FormatError Refused(Action action, LoadErrorKind kind, string mention)
    {
        FormatError error = Assert.Throws<FormatError>(action)!;
        Assert.That(error.Kind, Is.EqualTo(kind));
        Assert.That(error.Message, Does.Contain(mention));
        return error;
    }
}
