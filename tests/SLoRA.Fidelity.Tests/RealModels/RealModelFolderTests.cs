using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Says whether real models are tested at all.</summary>
public sealed class RealModelFolderTests
{
    [Test]
    public void SLORA_MODELS_names_folders_with_a_model_adapters_and_cases()
    {
        if (!RealModelFolder.AreNamed)
        {
            Assert.Ignore("SLORA_MODELS is not set: no real model is tested. tests/real-models.sh makes a folder for it.");
        }

        foreach (RealModelFolder folder in RealModelFolder.All())
        {
            Assert.That(folder.Path, Does.Exist, "SLORA_MODELS");
            Assert.That(Directory.GetDirectories(folder.Path, "model*"), Is.Not.Empty, "models");
            Assert.That(folder.Adapters(), Is.Not.Empty, "adapters");
            Assert.That(folder.Files("expected*.json").Sum(file => folder.Read(file).Cases.Count), Is.Positive, "cases");
        }
    }
}
